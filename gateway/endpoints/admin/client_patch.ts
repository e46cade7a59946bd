// PATCH of a client: a JSON patch (RFC 6902) on its JSON, limited to the members that can be set.
import { applyPatch, type Operation } from 'rfc6902'
import { OAuthError } from '../../../services/kit/oauth_error.js'
import { readJson } from '../../http/body.js'
import type { Endpoint, Parts } from '../../http/endpoint.js'
import { clientFromJson, clientToDocument, writableMembers } from '../../json/client.js'
import { isObject } from '../../json/json_object.js'
import { clientIdOf, sendClient } from './clients.js'

const maxOperations = 200
const maxDocument = 1024 * 1024
const operations: ReadonlySet<unknown> = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test'])

const refuse = (why: string, cause?: unknown) => new OAuthError('invalid_request', why, { cause })

/** Changes what the patch names and nothing else, so that two patches of different members do not undo each other. */
export function patchClient({ services }: Parts): Endpoint {
  return async (ctx) => {
    const patch = checkPatch(await readJson(ctx))
    const clientId = clientIdOf(ctx)
    const { client } = await services.clients.getClient({ clientId }, ctx.state.call)
    // A copy: in one process the client is the service's own object.
    const document = structuredClone(client ? clientToDocument(client) : {})
    for (const operation of patch) apply(document, operation)
    const patched = { ...clientFromJson(document).client, clientId }
    const request = { client: patched, updateMask: fieldsOf(patch), clientSecret: '' }
    sendClient(ctx, await services.clients.updateClient(request, ctx.state.call))
  }
}

function checkPatch(value: unknown): readonly Operation[] {
  if (!Array.isArray(value)) throw refuse('A JSON patch must be an array of operations.')
  if (value.length > maxOperations) throw refuse(`A JSON patch may have ${maxOperations} operations at most.`)
  for (const operation of value) {
    if (!isObject(operation) || !operations.has(operation.op)) throw refuse('A JSON patch has an unknown operation.')
    checkPath(operation.path)
    if (operation.op === 'move' || operation.op === 'copy') checkPath(operation.from)
    if (/^(add|replace|test)$/.test(String(operation.op)) && !Object.hasOwn(operation, 'value'))
      throw refuse('An operation of a JSON patch has no value.')
  }
  return value
}

function checkPath(path: unknown): void {
  const [root, member = '', ...rest] = typeof path === 'string' ? path.split('/') : ['none']
  const isPlain = rest.every((token) => !/^(__proto__|prototype|constructor)$/.test(token))
  if (root !== '' || !writableMembers.has(member) || !isPlain)
    throw refuse(`A JSON patch may not touch '${String(path).slice(0, 100)}'.`)
}

/** One operation at a time: copies of copies must not outgrow what a client can be. */
function apply(document: Record<string, unknown>, operation: Operation): void {
  const [failure] = applyPatch(document, [operation])
  if (failure)
    throw refuse(
      `The operation '${operation.op}' of a JSON patch failed at '${operation.path.slice(0, 100)}'.`,
      failure,
    )
  if (operation.op === 'copy' && JSON.stringify(document).length > maxDocument)
    throw new OAuthError('payload_too_large', 'The client would become too large.')
}

/** The fields of the message that a patch changes. */
function fieldsOf(patch: readonly Operation[]): string[] {
  const paths = patch.flatMap((operation) => {
    if (operation.op === 'test') return []
    return operation.op === 'move' ? [operation.path, operation.from] : [operation.path]
  })
  return [...new Set(paths.map((path) => writableMembers.get(path.split('/')[1] ?? '') ?? ''))]
}
