/** `opslog admin`: what the contexts let administrators do. Every change is a command, and leaves events that name the user. */
import { Command } from 'commander'
import { readSettings } from '../config.ts'
import type { Context } from '../context.ts'
import { contextNames, loadContexts } from '../contexts.ts'
import { noctantCommands } from './admin-noctant.ts'
import { withAdminSession, written } from './admin-session.ts'
import type { AdminTools } from './admin-tools.ts'
import { configuration } from './connection.ts'
import { addParts, type Parts } from './parts.ts'

const auditors = () => import('./admin-auditors.ts')

const parts: Parts = {
  ...noctantCommands,
  'create-auditor-key': {
    summary: 'make a key that reads the log through the API, and print it, once',
    load: async () => (await auditors()).createAuditorKeyCommand(),
  },
  'list-auditor-keys': {
    summary: 'auditors’ keys, revoked ones too',
    load: async () => (await auditors()).listAuditorKeysCommand(),
  },
  'revoke-auditor-key': {
    summary: 'stop an auditor’s key from working, for good',
    load: async () => (await auditors()).revokeAuditorKeyCommand(),
  },
  secrets: {
    summary: 'the key that secrets and the keys of persons are sealed with',
    load: async () => (await import('./admin-secrets.ts')).secretsCommand(),
  },
}

const tools: AdminTools = {
  withSession: withAdminSession,
  forgetting: () => import('./person-forgetting.ts'),
  written,
  dataDirectory: () => configuration().DATA_DIR,
  settings: (schema) => readSettings(schema, configuration()),
}

/** What contexts bring: of the one that is asked for, else of all. */
async function contextParts([first = '', second = '']: readonly string[]): Promise<Parts> {
  const asked = first === 'help' ? second : first
  if (asked in parts) return {}
  const names = contextNames.filter((name) => name === asked)
  const contexts = await loadContexts(names.length === 0 ? contextNames : names)
  const found = contexts.flatMap(({ name, cli }) => (cli ? [{ name, cli }] : []))
  return Object.fromEntries(
    found.map(({ name, cli }) => [name, { summary: cli.summary, load: () => contextCommand(name, cli) }]),
  )
}

async function contextCommand(name: string, cli: NonNullable<Context['cli']>): Promise<Command> {
  const command = new Command(name)
  for (const below of await cli.commands(tools)) command.addCommand(below)
  return command
}

/** The commands of one context, as `opslog <name>` has them too. */
export async function contextCommandOf(name: (typeof contextNames)[number]): Promise<Command> {
  const [context] = await loadContexts([name])
  if (!context?.cli) throw new Error(`the context ${name} has no commands`)
  return contextCommand(name, context.cli)
}

/** `args` are those behind `opslog admin`. */
export async function adminCommand(args: readonly string[]): Promise<Command> {
  const admin = new Command('admin')
  await addParts(admin, { ...parts, ...(await contextParts(args)) }, args)
  return admin.addHelpText(
    'after',
    `
Examples:
  opslog admin operator create --name "Acme Trading" --slug acme
  opslog admin key issue acme --all-scopes --label "back office"
  opslog admin create-auditor-key --operator acme --name "Grace of the auditors"
  opslog admin create-auditor-key --account acme --name "The auditors of an account of rungate"
  opslog admin operator suspend acme --reason "unpaid invoices"
  opslog admin forget-user --operator acme --external-id user-1001 --reference DSR-2026-017
  opslog admin firsthand organization create --name "Acme Pictures"`,
  )
}
