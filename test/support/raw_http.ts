// Sends bytes to an HTTP server as they are, for requests that no client library would make.
import { connect } from 'node:net'

export interface RawAnswer {
  readonly status: number
  /** The head and the body as they came. */
  readonly text: string
}

/** Sends the bytes and reads until the server closes, or until a whole answer with a length is there. */
export function sendRaw(url: string, bytes: string | Buffer): Promise<RawAnswer> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    let text = ''
    const finish = () => {
      socket.destroy()
      resolve({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0), text })
    }
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      text += chunk
      const end = text.indexOf('\r\n\r\n')
      const length = /^content-length: (\d+)/im.exec(text.slice(0, end))?.[1]
      if (end >= 0 && length !== undefined && text.length >= end + 4 + Number(length)) finish()
    })
    socket.on('end', finish)
    socket.on('error', (error) => (text ? finish() : reject(error)))
  })
}
