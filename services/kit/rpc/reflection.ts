// gRPC server reflection from the descriptor sets that buf builds: the contracts as they are written, comments included.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BinaryReader } from '@bufbuild/protobuf/wire'
import type { Server } from '@grpc/grpc-js'
import { ReflectionService } from '@grpc/reflection'

/** Adds the service, in its versions v1 and v1alpha; `services` are those that are listed. */
export function serveReflection(server: Server, descriptorFolder: string, services: string[]): void {
  const sets = readdirSync(descriptorFolder).filter((name) => name.endsWith('.binpb'))
  const fileDescriptorProtos = sets.flatMap((name) => filesIn(readFileSync(join(descriptorFolder, name))))
  // The library wants a package definition of proto-loader, and reads nothing of it but the files.
  const definition = { all: { fileDescriptorProtos } } as unknown as ConstructorParameters<typeof ReflectionService>[0]
  new ReflectionService(definition, { services }).addToServer(server)
}

/** The encoded files of a google.protobuf.FileDescriptorSet: its field 1. */
function filesIn(set: Uint8Array): Buffer[] {
  const reader = new BinaryReader(set)
  const files: Buffer[] = []
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag()
    if (field === 1) files.push(Buffer.from(reader.bytes()))
    else reader.skip(wireType)
  }
  return files
}
