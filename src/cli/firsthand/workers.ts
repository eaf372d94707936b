/** `opslog admin firsthand worker`: create, suspend, resume, list and pay. A token is shown once, when it is made. */
import { Command } from 'commander'
import { worker } from '../../commands/firsthand/worker.ts'
import { generateWorkerToken } from '../../commands/firsthand/worker-token.ts'
import { deterministicId } from '../../commands/identity.ts'
import { listWorkers } from '../../projections/firsthand/worker.ts'
import { prefixedId } from '../../runtime/ulid.ts'
import type { AdminSession } from '../admin-session.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { type OutputOptions, list as printList, withOutput } from '../table-output.ts'
import { colours, remark, show, text } from '../terminal.ts'
import { wholeIdOf } from '../whole-id.ts'
import { centsOf } from './credits.ts'
import { identified } from './identified.ts'

/** What commander gives to an action. */
type Rest<Action> = Action extends (tools: AdminTools, ...given: infer Given) => Promise<void> ? Given : never

interface JsonOption {
  json?: boolean
}

const LISTED_MAX = 1_000

export function workerCommand(tools: AdminTools): Command {
  const command = new Command('worker').description('create, suspend, resume, list and pay workers')
  command
    .command('create')
    .description('register a worker and print its token, once')
    .requiredOption('--name <name>', 'as people know the worker', text('name', 200))
    .option('--email <email>', 'where the worker is reached', text('email', 320))
    .option('--json', 'print JSON')
    .addHelpText('after', examples('--name "Ada Park" --email ada@example.com'))
    .action((...given: Rest<typeof create>) => create(tools, ...given))
  for (const kind of ['suspend', 'resume'] as const) {
    command
      .command(kind)
      .argument('<worker>', 'its id, or the beginning of it')
      .description(kind === 'suspend' ? 'stop its tokens from working' : 'let its tokens work again')
      .option('--reason <reason>', 'kept in the record', text('reason', 1_000))
      .option('--json', 'print JSON')
      .addHelpText(
        'after',
        examples(kind === 'suspend' ? 'wkr_01KJPV4G8R --reason "copied submissions"' : 'wkr_01KJPV4G8R'),
      )
      .action((id: string, options: JsonOption & { reason?: string }) => changeStanding(tools, kind, id, options))
  }
  command
    .command('pay')
    .argument('<worker>', 'its id, or the beginning of it')
    .description('record that earnings were paid out; once for each reference')
    .requiredOption('--amount-cents <cents>', 'a whole number of cents', centsOf)
    .requiredOption('--reference <reference>', 'of the payment, as the bank knows it', text('reference', 200))
    .option('--json', 'print JSON')
    .addHelpText('after', examples('wkr_01KJPV4G8R --amount-cents 12500 --reference "transfer 2026-0117"'))
    .action((...given: Rest<typeof pay>) => pay(tools, ...given))
  withOutput(command.command('list'))
    .description('all workers, oldest first, with what they are owed')
    .addHelpText('after', examples())
    .action((...given: Rest<typeof list>) => list(tools, ...given))
  return command
}

/** Registers a worker and issues its token, whose text is in the answer and nowhere else. */
export async function registerWorker(
  { bus, context }: Pick<AdminSession, 'bus' | 'context'>,
  { name, email }: { name: string; email: string | null },
) {
  const circumstances = context()
  const { at, commandId } = circumstances
  const workerId = prefixedId('wkr', at, commandId)
  const registering = { kind: 'register', workerId, name, email, synthetic: false, at } as const
  await bus.handle(worker, workerId, registering, circumstances)
  const { secret, ...kept } = generateWorkerToken()
  const token = { tokenId: prefixedId('tok', at, commandId), ...kept }
  const issuing = { ...circumstances, commandId: deterministicId(commandId, 'token') }
  const handled = await bus.handle(worker, workerId, { kind: 'issueToken', workerId, token, at }, issuing)
  return { workerId, secret, handled }
}

/** The token alone goes to standard output, so that a script can take it; what is said about it goes beside. */
async function create(
  { withSession, written }: AdminTools,
  { name, email = null, ...options }: JsonOption & { name: string; email?: string | null },
): Promise<void> {
  await withSession(async (session) => {
    const { workerId, secret, handled } = await registerWorker(session, { name, email })
    if (!options.json) remark(colours.dim(`Token of ${workerId}, shown this once:`))
    show({ worker_id: workerId, worker_token: secret, ...written(handled) }, options, () => secret)
  })
}

async function changeStanding(
  { withSession, written }: AdminTools,
  kind: 'suspend' | 'resume',
  named: string,
  options: JsonOption & { reason?: string },
): Promise<void> {
  await withSession(async ({ bus, db, context }) => {
    const workerId = await wholeIdOf({ db }, identified.worker, named)
    const circumstances = context()
    const command = { kind, workerId, reason: options.reason ?? null, at: circumstances.at }
    const handled = await bus.handle(worker, workerId, command, circumstances)
    const status = kind === 'suspend' ? 'suspended' : 'active'
    show({ worker_id: workerId, status, ...written(handled) }, options, () =>
      handled.events.length > 0
        ? colours.green(`${workerId} is ${status} now.`)
        : colours.yellow(`${workerId} was ${status} already; nothing was written.`),
    )
  })
}

async function pay(
  { withSession, written }: AdminTools,
  named: string,
  { amountCents, reference, ...options }: JsonOption & { amountCents: bigint; reference: string },
): Promise<void> {
  await withSession(async ({ bus, db, context }) => {
    const workerId = await wholeIdOf({ db }, identified.worker, named)
    const circumstances = context()
    const command = { kind: 'pay', workerId, amountCents, reference, at: circumstances.at } as const
    const handled = await bus.handle(worker, workerId, command, circumstances)
    const balance = handled.state.status === 'absent' ? 0 : Number(handled.state.balance)
    show({ worker_id: workerId, reference, balance_cents: balance, ...written(handled) }, options, () =>
      handled.events.length > 0
        ? colours.green(`Paid ${amountCents} cents; ${workerId} is owed ${balance} cents.`)
        : colours.yellow(`${reference} was paid before; nothing was written.`),
    )
  })
}

async function list({ withSession }: AdminTools, options: OutputOptions): Promise<void> {
  const workers = await withSession(({ db }) => listWorkers(db, LISTED_MAX))
  const rows = workers.map((row) => [
    ...[row.worker_id, row.name ?? '-'],
    row.status === 'active' ? colours.green(row.status) : colours.red(row.status),
    ...[String(row.approved_count), row.balance_cents, row.created_at],
  ])
  printList(
    workers,
    options,
    ['worker', 'name', 'status', 'approved', 'owed (cents)', 'created'],
    rows,
    'There are no workers: opslog admin firsthand worker create --help',
  )
}
