/** Makes the link of `opslog console`, and opens it where that is asked for. */
import { spawn } from 'node:child_process'
import { issueLink } from '../../processes/console/access-link.ts'
import { consoleSettings } from '../../processes/console/settings.ts'
import type { AdminTools } from '../admin-tools.ts'
import { CliError, colours, EXIT, remark, show } from '../terminal.ts'

export interface ConsoleOptions {
  readOnly?: boolean
  open?: boolean
  url?: string
  json?: boolean
}

export async function printLink(
  tools: AdminTools,
  { readOnly = false, open = false, url, ...output }: ConsoleOptions,
): Promise<void> {
  const settings = tools.settings(consoleSettings)
  if (settings.CONSOLE === 'off') {
    throw new CliError(
      EXIT.refused,
      'there is no console here: CONSOLE is off',
      'Start the instance with CONSOLE=auto.',
    )
  }
  const where = (url ?? tools.instanceSettings().PUBLIC_URL ?? addressOf(tools)).replace(/\/+$/, '')
  const ttlMs = settings.CONSOLE_LINK_TTL_S * 1_000
  const link = await tools.withSession(({ bus, context }) =>
    issueLink(bus, { url: where, ttlMs, isReadOnly: readOnly, now: new Date(context().at) }),
  )
  show({ url: link.url, expires_at: link.expiresAt }, output, () => link.url)
  if (!output.json) remark(colours.dim(`It works once, until ${link.expiresAt}.`))
  if (open) await openInBrowser(link.url)
}

/** Throws CliError where no instance runs there, or none that has an API. */
function addressOf(tools: AdminTools): string {
  const { api } = tools.running()
  if (api) return api.url
  throw new CliError(EXIT.unreachable, 'the instance that runs there has no API', 'Name the one that has with --url.')
}

const OPENERS: Readonly<Partial<Record<NodeJS.Platform, string>>> = { darwin: 'open', linux: 'xdg-open' }

/** Says so where this machine has no browser: the link stands there. */
async function openInBrowser(url: string): Promise<void> {
  const program = OPENERS[process.platform] ?? 'xdg-open'
  const isOpen = await new Promise<boolean>((resolve) => {
    const child = spawn(program, [url], { stdio: 'ignore', detached: true })
    child.once('error', () => resolve(false))
    child.once('spawn', () => {
      child.unref()
      resolve(true)
    })
  })
  if (!isOpen) remark(`This machine has no ${program}: open the link yourself.`)
}
