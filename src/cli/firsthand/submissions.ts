/** `opslog admin firsthand submission` and `scoring`: what an inspection found, another scoring, and what waits for one. */
import { Command } from 'commander'
import { rescore as scoreAgain } from '../../commands/firsthand/claiming.ts'
import { submission, submissionNotFound } from '../../commands/firsthand/submission.ts'
import { firsthandSettings } from '../../processes/firsthand/settings.ts'
import { listScorings } from '../../projections/firsthand/claim.ts'
import { findSubmission } from '../../projections/firsthand/submission.ts'
import { inSnakeCase } from '../../runtime/letter-case.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { type OutputOptions, list as printList, withOutput } from '../table-output.ts'
import { CliError, colours, EXIT, show } from '../terminal.ts'
import { wholeIdOf } from '../whole-id.ts'
import { identified } from './identified.ts'

interface JsonOption {
  json?: boolean
}

const LISTED_MAX = 1_000
const NOT_SET_ASIDE = '`opslog admin firsthand scoring list` shows what is.'

export function submissionCommand(tools: AdminTools): Command {
  const command = new Command('submission').description('look at a submission, and have it scored again')
  command
    .command('show')
    .argument('<submission>', 'its id, or the beginning of it')
    .description('where it stands, with the figures of its last inspection')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('sub_01KJPV4G8R'))
    .action((id: string, options: JsonOption) => showOne(tools, id, options))
  command
    .command('rescore')
    .argument('<submission>', 'its id, or the beginning of it')
    .description('score it again, while it is rejected and its job has a free seat')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('sub_01KJPV4G8R'))
    .action((id: string, options: JsonOption) => rescore(tools, id, options))
  return command
}

export function scoringCommand(tools: AdminTools): Command {
  const command = new Command('scoring').description('what waits for a score')
  withOutput(command.command('list'))
    .description('submissions that wait for a score, the next due first')
    .addHelpText('after', examples())
    .action((options: OutputOptions) => list(tools, options))
  command
    .command('retry')
    .argument('<submission>', 'its id, or the beginning of it')
    .description('try again what was set aside, once its original is back')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('sub_01KJPV4G8R'))
    .action((id: string, options: JsonOption) => retry(tools, id, options))
  return command
}

async function showOne({ withSession }: AdminTools, named: string, options: JsonOption): Promise<void> {
  await withSession(async ({ bus, db }) => {
    const id = await wholeIdOf({ db }, identified.submission, named)
    const row = await findSubmission(db, id)
    const state = await bus.current(submission, id)
    if (!row || state.status === 'absent') throw submissionNotFound()
    const { inspection, score, copy, failures, upload } = state
    const value = { ...row, ...(inSnakeCase({ upload, inspection, score, copy, failures }) as object) }
    show(value, options, () =>
      [
        `${id} is ${row.status} (attempt ${row.attempt}, round ${row.round})`,
        ...(row.stars === null ? [] : [`${row.stars} stars: ${row.reason}`]),
        ...Object.entries(inspection?.figures ?? {}).map(([name, figure]) => `  ${name} ${figure}`),
        ...(inspection?.fault ? [`  ${inspection.fault}`] : []),
        ...Object.entries(failures).map(([step, count]) => colours.yellow(`  failed at ${step}, ${count} times`)),
      ].join('\n'),
    )
  })
}

async function rescore(
  { withSession, written, settings }: AdminTools,
  named: string,
  options: JsonOption,
): Promise<void> {
  await withSession(async ({ bus, db, context }) => {
    const id = await wholeIdOf({ db }, identified.submission, named)
    const { FIRSTHAND_OPEN_SEATS_MAX: openSeatsMax } = settings(firsthandSettings)
    const handled = await scoreAgain(bus, id, openSeatsMax, context())
    show({ submission_id: id, status: 'pending_score', ...written(handled) }, options, () =>
      colours.green(`${id} waits for another score.`),
    )
  })
}

async function retry({ withSession, written }: AdminTools, named: string, options: JsonOption): Promise<void> {
  await withSession(async ({ bus, db, context }) => {
    const id = await wholeIdOf({ db }, identified.submission, named)
    const of = context()
    const handled = await bus.handle(submission, id, { kind: 'resumeScoring', at: of.at }, of)
    if (handled.events.length === 0) throw new CliError(EXIT.refused, `${id} is not set aside`, NOT_SET_ASIDE)
    show({ submission_id: id, status: 'pending_score', ...written(handled) }, options, () =>
      colours.green(`${id} waits for its score again.`),
    )
  })
}

async function list({ withSession }: AdminTools, options: OutputOptions): Promise<void> {
  const waiting = await withSession(({ db }) => listScorings(db, LISTED_MAX))
  const rows = waiting.map((row) => [
    ...[row.submission_id, row.environment, row.received_at, row.due_at ?? 'set aside'],
    ...[String(row.failures), row.fault ?? ''],
  ])
  printList(
    waiting,
    options,
    ['submission', 'world', 'received', 'due', 'failures', 'last fault'],
    rows,
    'Nothing waits for a score.',
  )
}
