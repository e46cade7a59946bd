// The method of servers/empty_grpc_process.ts.

const asItIs = (bytes: Buffer): Buffer => bytes

export const emptyMethod = {
  path: '/bench.Empty/Empty',
  requestStream: false,
  responseStream: false,
  requestSerialize: asItIs,
  requestDeserialize: asItIs,
  responseSerialize: asItIs,
  responseDeserialize: asItIs,
} as const
