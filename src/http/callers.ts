/**
 * Who a request is from, told by its head alone, before anything is asked or done for it: the tenant whose credential it
 * brings, where that was found to be good lately, else the client's address. All keys of a tenant are one caller, and
 * so are all who know none and share an address. Who signs bodies instead is known by an earlier one on the connection.
 */
import type { IncomingMessage } from 'node:http'
import { createLru } from '../runtime/lru.ts'
import { addressOf } from './client-address.ts'
import type { Caller } from './turns.ts'

export interface Callers {
  of(request: IncomingMessage): Caller
  /** The credential of the request has proved to be this tenant's. */
  learn(request: IncomingMessage | undefined, tenantId: string): void
  /** The body of the request proved to be signed by `name`: so, it is taken, is the next one to its address on its connection. */
  vouch(request: IncomingMessage, name: string): void
  /** It is good no more: who finds an old key takes nothing of its tenant's share. */
  forget(request: IncomingMessage | undefined): void
}

/** Credentials that are remembered; the longest unused is forgotten first, and learnt again at its next request. */
const CREDENTIALS_MAX = 10_000

export function createCallers(trustProxy: boolean): Callers {
  const tenants = createLru<string, Caller>(CREDENTIALS_MAX)
  const signers = new WeakMap<IncomingMessage['socket'], { caller: Caller; url: string | undefined }>()
  return {
    of(request) {
      const credential = credentialOf(request)
      const signer = signers.get(request.socket)
      const known = signer && signer.url === request.url ? signer.caller : tenants.get(credential ?? '')
      return known ?? { name: addressOf(request, trustProxy), isKnown: false }
    },
    learn(request, tenantId) {
      const credential = request && credentialOf(request)
      if (credential === undefined || tenants.get(credential)?.name === tenantId) return
      tenants.set(credential, { name: tenantId, isKnown: true })
    },
    vouch({ socket, url }, name) {
      signers.set(socket, { caller: { name, isKnown: true }, url })
    },
    forget(request) {
      const credential = request && credentialOf(request)
      if (request) signers.delete(request.socket)
      if (credential !== undefined) tenants.delete(credential)
    },
  }
}

/** Whatever text signs in: which one counts is for the context to say. */
const credentialOf = ({ headers }: IncomingMessage): string | undefined =>
  headers.authorization ?? (headers['x-api-key'] as string | undefined) ?? headers.cookie
