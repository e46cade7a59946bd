// One HTTP request over a Unix socket.
import { request } from 'node:http'

export const getFromSocket = (socketPath: string, path: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, agent: false }, (answer) => resolve(answer.resume().statusCode ?? 0))
    sent.once('error', reject)
    sent.end()
  })
