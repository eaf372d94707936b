/** From a request to a look at a page: who looks, at what, and what the page is told of it. */
import type { Context } from 'hono'
import type { CommandContext } from '../../commands/handle.ts'
import { commandIdOf, fingerprintOf } from '../../commands/identity.ts'
import { rawBody, readableAddress, readBody } from '../body.ts'
import { clientAddress } from '../client-address.ts'
import { idempotencyKey, plainCommand } from '../command.ts'
import type { SharedRuntime } from '../context.ts'
import type { AppEnv, Principal } from '../environment.ts'
import { Problem } from '../errors.ts'
import type { Asked, Viewer } from '../pages/declaration.ts'
import type { ConsoleParts } from './access.ts'
import type { ConsoleCode } from './errors.ts'
import { createPlotting } from './plotting.ts'
import type { Sessions } from './session.ts'

export type PageContext = Context<AppEnv>

/** The longest reason, with everything else that a form may bring. */
const FORM_MAX_BYTES = 65_536

/** Whose share of this process administrators take together. */
const ADMINISTRATORS = 'console administrators'

const principalOf = ({ audience, principal, actor, sessionId }: Viewer): Principal => ({
  ...{ tenantId: ADMINISTRATORS, environment: '', scopes: [], actor },
  ...(principal ?? {}),
  logFields: { ...principal?.logFields, console: audience, sessionId },
})

/** With the plots that it draws, by their names. */
export type Look<Parts> = Asked<Parts> & { plotting: ReturnType<typeof createPlotting> }

export interface Looking {
  /** Who looks; undefined: nobody has signed in. */
  viewer(c: PageContext): Promise<Viewer | undefined>
  form(c: PageContext): Promise<URLSearchParams>
  asked<Parts>(c: PageContext, viewer: Viewer, parts: Parts): Look<Parts>
}

/** Whether the script asks, for a part of a page that is there already. */
export const isRefresh = (c: PageContext): boolean => c.req.query('part') !== undefined

export function createLooking(runtime: SharedRuntime, sessions: Sessions, own: ConsoleParts): Looking {
  const { limits, bounds, callers, tenants, sealer } = runtime
  const body = readBody(rawBody('application/x-www-form-urlencoded'), FORM_MAX_BYTES)
  return {
    async viewer(c) {
      readableAddress(c)
      const exchange = c.get('exchange')
      const viewer = await sessions.enter(c, { isUse: !isRefresh(c) })
      if (viewer) own.samples.look()
      else {
        const fault = bounds.overused(c)
        if (fault) throw fault
        return undefined
      }
      exchange.principal = principalOf(viewer)
      callers.learn(c.env?.incoming, exchange.principal.tenantId)
      tenants.enter(exchange, exchange.principal.tenantId)
      return viewer
    },
    async form(c) {
      c.get('exchange').releaseBody = bounds.holdBody(c, FORM_MAX_BYTES)
      const bytes = ((await body(c)) ?? new Uint8Array()) as Uint8Array
      return new URLSearchParams(Buffer.from(bytes).toString('utf8'))
    },
    asked(c, viewer, parts) {
      const { requestId } = c.get('exchange')
      const url = new URL(c.req.url)
      const caller = {
        ...{ requestId, url: c.req.url },
        address: () => clientAddress(c, limits.trustProxy),
        header: (name: string) => c.req.header(name),
        signal: () => c.req.raw.signal,
        // Nobody signs bodies of pages.
        vouch: () => undefined,
      }
      const path = url.pathname.slice('/console'.length)
      const [query, now] = [url.searchParams, own.clock()]
      const plotting = createPlotting({ db: own.db, cache: own.series }, { path, query, now })
      return {
        ...{ parts, viewer, params: c.req.param() as Record<string, string>, query },
        ...{ path, part: url.searchParams.get('part') ?? undefined, caller, sealer, now, runtime, plotting },
      }
    },
  }
}

/**
 * The context of a form's command: however often the form is sent, it has one effect. `of`: what the form is for, so that
 * no other form's key stands for this one. Throws a Problem where the form has no key.
 */
export function commandOf(asked: Asked<unknown>, form: URLSearchParams, of: string): CommandContext {
  const { viewer, caller, now } = asked
  const key = idempotencyKey(form.get('idempotency_key') ?? '')
  const principal = principalOf(viewer)
  const commandId = commandIdOf({
    ...{ context: 'console', operatorId: viewer.principal?.tenantId ?? viewer.sessionId, environment: '' },
    ...{ action: of, scope: asked.path, key },
  })
  const command = plainCommand({ principal, caller, clock: () => now }, commandId)
  return { ...command, fingerprint: fingerprintOf({ of, form: [...form].toSorted() }) }
}

/** Throws a Problem (403) where the session is for looking. */
export function requireActing({ mayAct }: Viewer): void {
  if (!mayAct) throw new Problem<ConsoleCode>('console_read_only', 'This session can look, and change nothing.')
}
