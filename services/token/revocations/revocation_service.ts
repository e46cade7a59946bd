// RevocationService: the log of revocations as a feed, and the answer of the database for who may not trust memory.
import { RevocationServiceService } from '#proto/token/v1/revocation_service.js'
import type { Service } from '../../kit/rpc/contract.js'
import { defineService } from '../../kit/rpc/server.js'
import type { DeletedClients } from './deleted_clients.js'
import type { RevocationLog } from './revocation_log.js'

/** `keysRevision`: the revision of the published keys now, which the feed tells too. */
export function createRevocationService(
  log: RevocationLog,
  keysRevision: () => string,
  deletedClients: Pick<DeletedClients, 'stalenessMs' | 'missingBeforeMs'>,
): Service<typeof RevocationServiceService> {
  return defineService(RevocationServiceService, {
    async *watchRevocations(request, call) {
      for await (const { entries, ageMs, ...message } of log.watch(request.cursor, call.signal))
        yield {
          ...message,
          revocations: [...entries],
          ageMs: toAge(ageMs),
          keysRevision: keysRevision(),
          deletionsAgeMs: toAge(deletedClients.stalenessMs()),
          deletionsMissingBeforeMs: deletedClients.missingBeforeMs,
        }
    },
    async checkRevocation(request) {
      return { revoked: await log.isRevoked(request) }
    },
  })
}

/** A uint32; what was never known is as old as that can say. */
const toAge = (ageMs: number): number => Math.min(Math.ceil(ageMs), 0xffff_ffff)
