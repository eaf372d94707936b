/** `opslog admin`: what the contexts let administrators do. Every change is a command, and leaves events that name the user. */
import { Command } from 'commander'
import { readSettings } from '../config.ts'
import { auditorCommands } from './admin-auditors.ts'
import { noctantCommands } from './admin-noctant.ts'
import { secretsCommand } from './admin-secrets.ts'
import { withAdminSession, written } from './admin-session.ts'
import type { AdminTools } from './admin-tools.ts'
import { configuration } from './connection.ts'
import { contexts } from './contexts.ts'

export async function adminCommand(): Promise<Command> {
  const admin = new Command('admin').description('operators, organizations, their API keys, and auditors’ keys')
  for (const command of [...noctantCommands(), ...auditorCommands(), secretsCommand()]) admin.addCommand(command)
  const tools: AdminTools = {
    withSession: withAdminSession,
    written,
    settings: (schema) => readSettings(schema, configuration()),
  }
  for (const { name, cli } of contexts) {
    if (!cli) continue
    const below = admin.command(name).description(cli.summary)
    for (const command of await cli.commands(tools)) below.addCommand(command)
  }
  return admin.addHelpText(
    'after',
    `
Examples:
  opslog admin operator create --name "Acme Trading" --slug acme
  opslog admin key issue acme --all-scopes --label "back office"
  opslog admin create-auditor-key --operator acme --name "Grace of the auditors"
  opslog admin operator suspend acme --reason "unpaid invoices"
  opslog admin forget-user --operator acme --external-id user-1001 --reference DSR-2026-017
  opslog admin firsthand organization create --name "Acme Pictures"`,
  )
}
