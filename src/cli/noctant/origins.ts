/** `opslog admin operator origins`: where an operator's return URLs may lie. */
import { Command } from 'commander'
import { operator } from '../../commands/noctant/operator.ts'
import type { AdminTools } from '../admin-tools.ts'
import { colours, show } from '../terminal.ts'
import { operatorIdOf } from './operator-id.ts'

interface OriginsOptions {
  json?: boolean
}

export function originsCommand(tools: AdminTools): Command {
  return new Command('origins')
    .argument('<slug|id>', 'the operator')
    .argument('<origin...>', 'all of them, such as https://app.example.com; they take the place of those before')
    .description('set the origins that launches may return to')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  opslog admin operator origins acme https://app.acme.example')
    .action((name: string, origins: string[], options: OriginsOptions) => setOrigins(tools, name, origins, options))
}

async function setOrigins(
  { withSession, written }: AdminTools,
  name: string,
  origins: string[],
  options: OriginsOptions,
): Promise<void> {
  await withSession(async ({ store, db, bus, context }) => {
    const operatorId = await operatorIdOf({ store, db }, name)
    const circumstances = context()
    const command = { kind: 'setOrigins', allowedOrigins: origins, at: circumstances.at } as const
    const handled = await bus.handle(operator, operatorId, command, circumstances)
    const allowed = handled.state.status === 'absent' ? [] : handled.state.facts.allowedOrigins
    show({ operator_id: operatorId, allowed_origins: allowed, ...written(handled) }, options, () =>
      handled.events.length > 0
        ? colours.green(`${name} may return to ${allowed.join(', ')}.`)
        : colours.yellow(`${name} may do so already; nothing was written.`),
    )
  })
}
