/** Ways into the console: a form for a key, and links for administrators. */
import { randomUUID } from 'node:crypto'
import type { Context } from 'hono'
import { html } from 'hono/html'
import { accessLink, linkIdOf } from '../../commands/console/access-link.ts'
import { linkNotFound } from '../../commands/console/rejection.ts'
import { session, sessionIdOfLink } from '../../commands/console/session.ts'
import type { Actor } from '../../events/event.ts'
import { hashSecret, isSecret } from '../../runtime/secret.ts'
import { headOf, type RequestHead } from '../access.ts'
import { clientAddress } from '../client-address.ts'
import type { SharedRuntime } from '../context.ts'
import type { AppEnv } from '../environment.ts'
import { Problem } from '../errors.ts'
import type { Audience, DeclaredConsole, Markup } from '../pages/declaration.ts'
import { CALLERS_MAX, createWindow, refuseBeyond } from '../rate-limit.ts'
import type { ConsoleParts } from './access.ts'
import type { Sessions } from './session.ts'

type PageContext = Context<AppEnv>

const KEY_LENGTH_MAX = 512
const TO_LENGTH_MAX = 2_000

/** An address of the console that a sign-in may lead to, or the console itself. */
export const goodTarget = (to: string | null | undefined): string => {
  const isOurs = typeof to === 'string' && to.length <= TO_LENGTH_MAX && /^\/console([/?][\x21-\x7e]*)?$/.test(to)
  if (!isOurs) return '/console'
  // No way around by `..` or a second slash.
  const { pathname, search, origin } = new URL(to, 'http://console.invalid')
  const stays = origin === 'http://console.invalid' && /^\/console(\/|$)/.test(pathname) && !pathname.includes('//')
  return stays ? `${pathname}${search}` : '/console'
}

/** Where those go who have not signed in. */
export const signInAddress = (to: string): string =>
  `/console/sign-in${goodTarget(to) === '/console' ? '' : `?to=${encodeURIComponent(goodTarget(to))}`}`

/** The form, whose message belongs to its field. */
export const signInForm = (
  to: string,
  fault?: string,
): Markup => html`<form class="card" method="post" action="/console/sign-in">
<input type="hidden" name="to" value="${to}">
<p class="row"><label for="key">Key</label>
<input id="key" name="key" type="password" autocomplete="off" spellcheck="false" required maxlength="${KEY_LENGTH_MAX}"${
  fault === undefined ? '' : html` aria-invalid="true" aria-describedby="key-fault"`
} autofocus>
${fault === undefined ? '' : html`<span id="key-fault" class="fault" role="alert">${fault}</span>`}</p>
<button class="main">Sign in</button>
</form>
<p>An operator’s key shows the operator’s own things, an auditor’s key what it opens. Administrators come in by a link:
<code>npm run opslog -- console</code></p>
`

export const enterForm = (
  path: string,
  isReadOnly: boolean,
): Markup => html`<form class="card" method="post" action="${path}">
<p>The link works once. ${isReadOnly ? 'It is for looking: nothing can be changed.' : 'Whoever uses it may do everything.'}</p>
<button class="main">Sign in as administrator</button>
</form>
`

export function createSignIn(
  parts: ConsoleParts,
  runtime: SharedRuntime,
  declared: readonly DeclaredConsole[],
  sessions: Sessions,
) {
  const { bus, clock } = parts
  const { limits, nowMs } = runtime
  const failures = createWindow({ keysMax: CALLERS_MAX, nowMs })
  const doors = declared.flatMap(({ api, console: { signIn }, parts: own }) => {
    if (!signIn) return []
    const { scheme, audience, keyIdOf } = signIn
    const verify = api.verifiers(own as never)[scheme]
    if (!verify) throw new Error(`the context ${api.name} has no verifier for ${scheme}`)
    return [{ context: api.name, audience: audience as Audience, keyIdOf, verify }]
  })

  /** Throws a Problem (429) where an address tries too many wrong keys. */
  function countFailure(c: PageContext): void {
    const counted = failures.add(clientAddress(c, limits.trustProxy))
    const refusal = refuseBeyond(limits.authFailuresPerMinuteMax, counted, 'Too many wrong keys from this address.')
    if (refusal) throw refusal
  }

  /** Whose key it is. Throws a Problem where it is good, and may not be used. */
  async function ownerOf(c: PageContext, key: string) {
    const head: RequestHead = {
      ...headOf(c),
      header: (name) => (name === 'authorization' ? `Bearer ${key}` : undefined),
    }
    for (const { context, audience, keyIdOf, verify } of doors) {
      const keyId = keyIdOf(key)
      const verdict = keyId === undefined ? undefined : await verify(key, head)
      if (verdict?.kind === 'refused') throw new Problem<string>(verdict.code, verdict.detail)
      if (keyId !== undefined && verdict?.kind === 'valid')
        return { context, audience, keyId, principal: verdict.principal }
    }
    return undefined
  }

  /** The link that the address names, where it can be used now. Throws Rejected where it cannot. */
  async function linkOf(token: string) {
    if (!isSecret(token)) throw linkNotFound()
    const linkId = linkIdOf(hashSecret(token))
    const [link, begun] = await Promise.all([
      bus.current(accessLink, linkId),
      bus.current(session, sessionIdOfLink(linkId)),
    ])
    const isGood = link.status === 'issued' && begun.status === 'absent' && link.facts.expiresAt > clock().toISOString()
    if (!isGood) throw linkNotFound()
    return link.facts
  }

  return {
    /** Takes a key. Answers what is wrong with it, in a sentence; undefined: the browser has a session. */
    async withKey(c: PageContext, key: string): Promise<string | undefined> {
      const text = key.trim()
      const owner = text.length > KEY_LENGTH_MAX ? undefined : await ownerOf(c, text)
      if (!owner) {
        countFailure(c)
        return 'The key is unknown, mistyped or revoked.'
      }
      const { context, audience, keyId, principal } = owner
      const { tenantId, actor } = principal
      const of = { audience, name: actor.id, context, keyId, tenantId, linkId: null, isReadOnly: false }
      await sessions.start(c, randomUUID(), of, actor)
      return undefined
    },

    /** What the link would do. Throws Rejected where it does nothing. */
    look: linkOf,

    async withLink(c: PageContext, token: string): Promise<void> {
      const { linkId, issuedBy, isReadOnly } = await linkOf(token).catch((error: unknown) => {
        countFailure(c)
        throw error
      })
      const actor: Actor = { kind: 'admin', id: issuedBy }
      const of = { audience: 'administrator' as const, name: issuedBy, context: null, keyId: null, tenantId: null }
      await sessions.start(c, sessionIdOfLink(linkId), { ...of, linkId, isReadOnly }, actor)
    },
  }
}
