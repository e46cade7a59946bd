// A gRPC server whose only method takes nothing and gives nothing: what grpc-js costs by itself, set up as ours. Argument: the port.
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { serverOptions } from '../../services/kit/rpc/server_options.js'
import { emptyMethod } from '../load/empty_method.js'

const server = new Server(serverOptions)
server.addService(
  { empty: emptyMethod },
  { empty: (_call: unknown, callback: (error: null, answer: Buffer) => void) => callback(null, Buffer.alloc(0)) },
)
server.bindAsync(`127.0.0.1:${process.argv[2]}`, ServerCredentials.createInsecure(), (error) => {
  if (error) throw error
  process.stdout.write('ready\n')
})
