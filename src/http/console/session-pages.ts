/** Who is signed in, and signing others out. */
import { html } from 'hono/html'
import { session as sessionAggregate } from '../../commands/console/session.ts'
import { isUuid } from '../../events/uuid.ts'
import { listSessions, type SessionRow } from '../../projections/console/session.ts'
import type { ActionDeclaration, Asked, Shown } from '../pages/declaration.ts'
import { empty, fieldsOf, onRecord, pathOf, said, shortId, time } from '../pages/markup.ts'
import { type Column, table } from '../pages/table.ts'
import type { ConsoleParts } from './access.ts'

const pathOfSession = ({ session_id }: SessionRow): string => pathOf('sessions', session_id)

const columns: readonly Column<SessionRow>[] = [
  { name: 'session_id', label: 'Session', show: (row) => shortId(row.session_id, pathOfSession(row)) },
  { name: 'name', label: 'Who', show: ({ name }) => said(name) },
  {
    name: 'audience',
    label: 'As',
    show: ({ audience, is_read_only }) => `${audience}${is_read_only ? ', for looking' : ''}`,
  },
  { name: 'key_id', label: 'Key', show: ({ key_id }) => (key_id === null ? 'by a link' : shortId(key_id)) },
  { name: 'client_address', label: 'From', show: ({ client_address }) => client_address },
  { name: 'created_at', label: 'Since', show: ({ created_at }) => time(created_at) },
  { name: 'last_used_at', label: 'Last use', show: ({ last_used_at }) => time(last_used_at) },
]

export async function showSessions({ parts, now }: Asked<ConsoleParts>): Promise<Shown> {
  const rows = await listSessions(parts.db, now.toISOString())
  if (rows.length === 0) return { content: empty('Nobody is signed in.') }
  return { content: html`${table('Sessions', columns, rows, pathOfSession)}` }
}

async function sessionOf({ parts, params, now }: Asked<ConsoleParts>): Promise<SessionRow | undefined> {
  const id = params.session ?? ''
  if (!isUuid(id)) return undefined
  return (await listSessions(parts.db, now.toISOString())).find(({ session_id }) => session_id === id)
}

export async function showSession(asked: Asked<ConsoleParts>): Promise<Shown | undefined> {
  const row = await sessionOf(asked)
  if (!row) return undefined
  const { token_hash: _, ...shown } = row
  const { key_id: keyId, name } = row
  return {
    title: `Session of ${name}`,
    content: html`${fieldsOf(shown)}${onRecord(keyId ?? row.session_id)}`,
  }
}

export const endSession: ActionDeclaration<ConsoleParts> = {
  of: '/sessions/:session',
  name: 'end',
  title: 'End session',
  audience: ['administrator'],
  async prepare(asked) {
    const row = await sessionOf(asked)
    if (!row) return undefined
    return { says: html`<p>Signs out ${said(row.name)}, who came from ${row.client_address}.</p>` }
  },
  async perform({ parts, params, command, runtime }) {
    const { bus, waiter } = parts
    const end = { kind: 'end', reason: 'ended', at: command.at } as const
    const { position } = await bus.handle(sessionAggregate, params.session ?? '', end, command)
    if (position !== undefined) await waiter.waitFor(position, runtime.limits.readYourWritesWaitMs)
    return { message: 'The session has ended.', to: '/sessions' }
  },
}
