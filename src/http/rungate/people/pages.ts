/**
 * Pages beside the contract: those that links in mails lead to, and the local mailbox. A link's token stands behind the `#`, so no
 * server sees it; the page posts it when a person presses the button, since scanners of mail follow links.
 */
import { type Context, Hono } from 'hono'
import { INVITATION_PATH, LOGIN_PATH } from '../../../processes/rungate/letters.ts'
import { readMailbox } from '../../../projections/mail.ts'
import { maybeOwnUser } from '../../../runtime/own-user.ts'
import { isLocalhost, isLoopback } from '../../../webhooks/address.ts'
import { refuse, type SharedRuntime } from '../../context.ts'
import type { AppEnv } from '../../environment.ts'
import { Problem } from '../../errors.ts'
import type { RungateParts } from '../access.ts'
import { errors } from '../errors.ts'
import { noStore } from '../keys.ts'
import { INVITATION_PAGE, LOGIN_PAGE, SCRIPT, SCRIPT_PATH, STYLE, STYLE_PATH } from './page-assets.ts'

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; " +
  "frame-ancestors 'none'"
const MAILBOX_PATH = '/rungate/dev/mailbox'
const LISTED = { usual: 50, max: 1_000 }
/** What a proxy says of whom it stands for. */
const FORWARDING = ['x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'forwarded', 'via']

export function peoplePages({ db, mailWay }: RungateParts, runtime: SharedRuntime): Hono<AppEnv> {
  const app = new Hono<AppEnv>()
  const { bounds } = runtime
  const page = (content: string, mediaType: string) => (c: Context<AppEnv>) => {
    const fault = bounds.overused(c)
    if (fault) throw fault
    return c.body(content, 200, {
      ...noStore,
      'content-type': `${mediaType}; charset=utf-8`,
      'content-security-policy': POLICY,
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
    })
  }
  app.onError((error, c) => refuse(c.get('exchange'), error, errors, runtime))
  app.get(LOGIN_PATH, page(LOGIN_PAGE, 'text/html'))
  app.get(INVITATION_PATH, page(INVITATION_PAGE, 'text/html'))
  app.get(SCRIPT_PATH, page(SCRIPT, 'text/javascript'))
  app.get(STYLE_PATH, page(STYLE, 'text/css'))
  app.get(MAILBOX_PATH, async (c) => {
    const fault = bounds.overused(c)
    if (fault) throw fault
    if (mailWay !== 'mailbox' || !isOnThisMachine(c)) throw notFound(c)
    const { mails, total } = await readMailbox(db, { context: 'rungate', to: c.req.query('to'), limit: limitOf(c) })
    const data = mails.map(({ mail_id: id, recipient: to, subject, body: text, html, sent_at, token, code }) => ({
      ...{ id, to, subject, text, html, sent_at, token, code },
    }))
    return c.json({ data, total }, 200, noStore)
  })
  return app
}

const notFound = (c: Context<AppEnv>) => new Problem('route_not_found', `There is nothing at ${c.req.path}.`)

/**
 * Whether the caller is on this machine and means it: a proxy beside us stands for others, and a name that leads here may be a
 * foreign page's. Who reads the mailbox can sign in as anybody, so other users of this machine do not, where the kernel tells
 * whose a connection is.
 */
function isOnThisMachine(c: Context<AppEnv>): boolean {
  const socket = c.env?.incoming?.socket
  const remote = socket?.remoteAddress?.replace(/^::ffff:/i, '') ?? ''
  const host = URL.parse(`http://${c.req.header('host')}`)?.hostname.replace(/^\[(.*)\]$/, '$1') ?? ''
  const isForwarded = FORWARDING.some((name) => c.req.header(name) !== undefined)
  if (isForwarded || !isLoopback(remote) || !(isLocalhost(host) || isLoopback(host))) return false
  return socket !== undefined && maybeOwnUser(socket)
}

/** Throws a Problem (400) for what is no whole number from 1. */
function limitOf(c: Context<AppEnv>): number {
  const given = c.req.query('limit')
  if (given === undefined) return LISTED.usual
  if (/^[1-9]\d{0,99}$/.test(given)) return Math.min(Number(given), LISTED.max)
  const detail = 'must be a whole number from 1'
  throw new Problem('parameter_invalid', detail, { errors: [{ pointer: 'query/limit', code: 'invalid', detail }] })
}
