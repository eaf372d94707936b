/** Noctant's plots: what became of commands and of webhooks, and how an account's figures went. */
import { html } from 'hono/html'
import { amountOf, drawdownAnchor, profitOf, stepOf } from '../../../commands/noctant/challenge-rules.ts'
import { Exact } from '../../../commands/noctant/money.ts'
import type { Threshold } from '../../../events/noctant/template.ts'
import type { Filter } from '../../../projections/listing.ts'
import { accountCommands } from '../../../projections/noctant/account-command.ts'
import { listCurve } from '../../../projections/noctant/account-curve.ts'
import { type ChallengeRow, findChallenge } from '../../../projections/noctant/challenge.ts'
import { corrections } from '../../../projections/noctant/correction.ts'
import { statements } from '../../../projections/noctant/payout-statement.ts'
import { trades } from '../../../projections/noctant/trade.ts'
import { deliveries } from '../../../projections/noctant/webhook.ts'
import type { RowOf, Table } from '../../../projections/projection.ts'
import type { Asked, Line, Markup, Shown, View } from '../../pages/declaration.ts'
import { section } from '../../pages/markup.ts'
import { ownFilter, rowsOf } from '../../pages/things.ts'
import type { NoctantParts } from '../access.ts'
import { type AccountRow, deliveryThings } from './things.ts'

type Noctant = Asked<NoctantParts>

const SHARES = [0.5, 0.99] as const
/** Marks of one kind on an account's curve, the newest. */
const MARKS_MAX = 200

/** A page with plots beneath; a part of it is asked for without them. */
export const withPlots =
  (view: View<NoctantParts>, plots: (asked: Noctant) => Promise<Markup>): View<NoctantParts> =>
  async (asked) => {
    const page = await view(asked)
    if (page === undefined || typeof page === 'string' || asked.part !== undefined) return page
    return { ...page, content: html`${page.content}${await plots(asked)}` } satisfies Shown
  }

const commandsSay = 'From the read model of commands, by the time at which each was accepted.'

export async function commandPlots({ plotting: { series, span, draw } }: Noctant): Promise<Markup> {
  const of = { table: accountCommands, at: 'accepted_at' } as const
  const [states, times] = await Promise.all([
    series({ ...of, by: 'status' }),
    series({ ...of, measure: { of: ['accepted_at', 'engine_wal_confirmed_at'], as: SHARES } }),
  ])
  return html`<div class="plots">${draw({
    ...{ name: 'states', title: 'Commands by what became of them', unit: `in ${span.stepS} s` },
    ...{ lines: states, says: commandsSay },
  })}${draw({ name: 'confirmed', title: 'From accepted to confirmed', unit: 'ms', lines: times, says: commandsSay })}</div>`
}

/** Of all that was tried in a step, how much arrived. */
function successOf(lines: readonly Line[]): Line {
  const arrived = lines.find(({ label }) => label === 'delivered')
  const points = (lines[0]?.points ?? []).map(([atS], at): [number, number | null] => {
    const all = lines.reduce((sum, each) => sum + (each.points[at]?.[1] ?? 0), 0)
    return [atS, all === 0 ? null : ((arrived?.points[at]?.[1] ?? 0) / all) * 100]
  })
  return { label: 'arrived', points }
}

const attemptsSay = 'From the read model of attempts, by the time at which each ended.'

export async function webhookPlots(asked: Noctant, more: readonly Filter[] = []): Promise<Markup> {
  const { series, span, draw } = asked.plotting
  const of = { table: deliveries, at: 'finished_at', filters: [...ownFilter(deliveryThings, asked), ...more] } as const
  const [attempts, times] = await Promise.all([
    series({ ...of, by: 'status' }),
    series({ ...of, measure: { of: 'duration_ms', as: SHARES } }),
  ])
  return html`<div class="plots">${draw({
    ...{
      name: 'attempts',
      title: 'Attempts by outcome',
      unit: `in ${span.stepS} s`,
      lines: attempts,
      says: attemptsSay,
    },
  })}${draw({ name: 'success', title: 'Attempts that arrived', unit: '%', lines: [successOf(attempts)], says: attemptsSay })}${draw(
    { name: 'durations', title: 'Attempts took', unit: 'ms', lines: times, says: attemptsSay },
  )}</div>`
}

const secondOf = (at: string): number => Date.parse(at) / 1_000

/** When things of one kind happened to the account, as far as the time that is shown goes. */
async function marksOf<T extends Table>(
  asked: Noctant,
  label: string,
  table: T,
  at: keyof RowOf<T> & string,
  of: readonly [keyof RowOf<T> & string, string],
): Promise<Line> {
  const { from, until } = asked.plotting.span
  const rows = await rowsOf(asked, table, { at, of, limit: MARKS_MAX })
  const times = rows.flatMap((row) => (row as Record<string, string | null>)[at] ?? [])
  const inTime = times.filter((each) => Date.parse(each) >= from.getTime() && Date.parse(each) <= until.getTime())
  return { label, as: 'mark', points: inTime.toReversed().map((each) => [secondOf(each), null]) }
}

export interface Limit {
  label: string
  /** The equity, or for the target the balance, at which it is reached. */
  at: string
  /** From where the challenge stands, as far as that is on record; below zero: it is passed. */
  distance: string
}

/** What a run may lose, and what it is to reach, by the rules' own arithmetic. */
export function limitsOf({ started: { terms }, measures }: Pick<ChallengeRow, 'started' | 'measures'>): Limit[] {
  const step = stepOf(terms, measures.stepSequence)
  const { maximumDailyLoss: daily, maximumDrawdown: overall, profitTarget: target } = step
  const floor = (label: string, limit: Threshold, anchor: string): Limit => {
    const at = new Exact(anchor).minus(amountOf(limit, terms))
    return { label, at: at.toFixed(), distance: new Exact(measures.equity).minus(at).toFixed() }
  }
  const limits: Limit[] = []
  if (daily) limits.push(floor('daily loss', daily, measures.day.startEquity))
  if (overall) limits.push(floor('drawdown', overall, drawdownAnchor(measures, step, terms)))
  if (target) {
    const missing = amountOf(target, terms).minus(profitOf(measures, terms))
    const at = new Exact(measures.balance).plus(missing)
    limits.push({ label: 'target', at: at.toFixed(), distance: missing.toFixed() })
  }
  return limits
}

async function limitLines({ parts: { db } }: Noctant, row: AccountRow): Promise<Line[]> {
  const { operator_id, challenge_instance_id: instanceId } = row
  const found = instanceId === null ? undefined : await findChallenge(db, operator_id, instanceId)
  if (!found) return []
  return limitsOf(found).map(({ label, at }): Line => ({ label, as: 'level', points: [[0, Number(at)]] }))
}

export async function accountPlot(asked: Noctant, row: AccountRow): Promise<Markup> {
  const { span, draw } = asked.plotting
  const { account_id: id, currency } = row
  const curve = await listCurve(asked.parts.db, id, span.from.toISOString(), span.until.toISOString())
  const line = (label: 'balance' | 'equity'): Line => ({
    label,
    as: 'step',
    points: curve.map((each) => [secondOf(each.at), Number(each[label])]),
  })
  const marks = await Promise.all([
    marksOf(asked, 'trades', trades, 'closed_at', ['account_id', id]),
    marksOf(asked, 'corrections', corrections, 'requested_at', ['account_id', id]),
    marksOf(asked, 'payouts', statements, 'requested_at', ['account_id', id]),
  ])
  const plot = draw({
    ...{ name: 'curve', title: 'Balance and equity', unit: currency, isFitted: true },
    says: 'As the engine valued the account, the last of each minute; a day and a third of minutes with values is kept.',
    lines: [
      line('equity'),
      line('balance'),
      ...(await limitLines(asked, row)),
      ...marks.filter((each) => each.points.length > 0),
    ],
  })
  return section('Curve', plot)
}
