/** The seals over the log: what each covers, who signed it, and whether it is genuine. */
import { html } from 'hono/html'
import { isGenuine, readSeals } from '../../../audit/seal.ts'
import type { Asked, Shown } from '../../pages/declaration.ts'
import { requestMarkup } from '../../pages/list.ts'
import { empty, shortId, state, time } from '../../pages/markup.ts'
import { type Column, table } from '../../pages/table.ts'
import type { AuditParts } from '../access.ts'
import { seesEverything } from '../positions.ts'
import { auditorOf, reading } from './reader.ts'

type Seal = Awaited<ReturnType<typeof readSeals>>[number]

const columns: readonly Column<Seal>[] = [
  { name: 'sealed_at', label: 'Sealed', show: ({ occurredAt }) => time(occurredAt) },
  { name: 'position', label: 'Up to', isFigure: true, show: ({ position }) => position },
  { name: 'events', label: 'Events', isFigure: true, show: ({ events }) => `${events}` },
  { name: 'root', label: 'Root', show: ({ root }) => shortId(root) },
  { name: 'public_key', label: 'Key', show: ({ publicKey }) => shortId(publicKey) },
  { name: 'is_genuine', label: 'Signature', show: (seal) => state(isGenuine(seal) ? 'holds' : 'broken') },
]

/** A seal is over the events of all: a reader of one tenant's is shown none. */
export async function showSeals(asked: Asked<AuditParts>): Promise<Shown> {
  const found = await reading(asked, { type: 'audit.SealsRead.v1', data: {} }, async ({ log }) => ({
    answer: seesEverything(auditorOf(asked)) ? await readSeals(log) : [],
    last: undefined,
  }))
  const seals = (found ?? []).toReversed()
  const shown =
    seals.length === 0 ? empty('The log has not been sealed.', 'opslog audit seal') : table('Seals', columns, seals)
  return {
    content: html`${shown}<p>Whether the log still is what was sealed: <code>opslog audit verify</code></p>
${requestMarkup(asked, { path: '/audit/v1/seals', command: 'opslog audit seals' })}`,
    sheet: {
      columns: ['sealed_at', 'position', 'events', 'root', 'public_key', 'signature', 'is_genuine'],
      rows: seals.map((each) => [
        ...[each.occurredAt, each.position, each.events, each.root, each.publicKey, each.signature],
        isGenuine(each),
      ]),
    },
  }
}
