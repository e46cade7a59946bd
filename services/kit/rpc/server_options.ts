// How grpc-js serves: what one connection may ask of it, and how a dead one is found.
import { rules } from './rules.js'

export const serverOptions = {
  'grpc.max_receive_message_length': Math.max(...Object.values(rules).map((rule) => rule.limit)),
  'grpc.max_concurrent_streams': 1_000,
  'grpc-node.max_session_memory': 32,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
} as const
