/** `opslog store scavenge`: gives the space of deleted events back, on a node that runs or on a directory of its own. */
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { basicAuthorization } from '../embedded/eventstore/access.ts'
import { scavengeStore } from '../embedded/eventstore/maintenance.ts'
import { DirectoryInUseError } from '../embedded/eventstore/storage/lock.ts'
import { configuration, findServices } from './connection.ts'
import { CliError, EXIT, facts, show } from './terminal.ts'

export interface ScavengeOptions {
  directory: string
  url?: string
  json?: boolean
}

const POLL_MS = 500

const reportSchema = z.object({
  id: z.string(),
  state: z.enum(['running', 'done', 'stopped', 'failed']),
  bytesBefore: z.number(),
  bytesFreed: z.number(),
  eventsRemoved: z.number(),
  filesWritten: z.number(),
  filesDamaged: z.number(),
  reason: z.string().optional(),
})
type Report = z.infer<typeof reportSchema>

/** Scavenges and waits for the end of it. Throws CliError where it fails or no node answers. */
export async function scavenge({ directory, url, json }: ScavengeOptions): Promise<void> {
  const report = url === undefined ? await ofDirectory(directory) : await ofNode(url)
  show(report, { json }, () =>
    facts([
      ['events removed', String(report.eventsRemoved)],
      ['bytes given back', `${report.bytesFreed} of ${report.bytesBefore}`],
      ['files written anew', String(report.filesWritten)],
      ['damaged files left as they are', String(report.filesDamaged)],
      ['ended', report.reason ? `${report.state}: ${report.reason}` : report.state],
    ]),
  )
  if (report.state !== 'done' || report.filesDamaged > 0) process.exitCode = EXIT.refused
}

/** A directory that a node uses is scavenged by that node. */
async function ofDirectory(directory: string): Promise<Report> {
  try {
    return await scavengeStore(directory)
  } catch (error) {
    if (!(error instanceof DirectoryInUseError)) throw new CliError(EXIT.refused, (error as Error).message)
    const running = findServices(configuration().DATA_DIR)
    if (running?.eventStore.kind === 'embedded') return ofNode(running.eventStore.url)
    throw new CliError(EXIT.refused, error.message, 'Name the node that runs there with --url esdb://127.0.0.1:PORT.')
  }
}

async function ofNode(url: string): Promise<Report> {
  const { host, username, password } = new URL(url)
  const base = `http://${host}`
  const headers = { authorization: basicAuthorization(`${username}:${password}`) }
  const health = z.object({ scavenge: reportSchema })
  let report = reportSchema.parse(await answerOf(`${base}/admin/scavenge`, { method: 'POST', headers }))
  while (report.state === 'running') {
    await delay(POLL_MS)
    report = health.parse(await answerOf(`${base}/health`, { headers })).scavenge
  }
  return report
}

async function answerOf(url: string, init: RequestInit): Promise<unknown> {
  const response = await fetch(url, init)
  if (response.status === 401) {
    const hint = 'It belongs to another user: name its credential, --url esdb://USER:PASSWORD@127.0.0.1:PORT.'
    throw new CliError(EXIT.refused, `${url} does not take orders from this user`, hint)
  }
  const isNode = response.headers.get('content-type')?.startsWith('application/json')
  if (isNode) return response.json()
  const hint = 'A server of its own has a scavenge of its own; look at its documentation.'
  throw new CliError(EXIT.refused, `${url} answered ${response.status}: it is not an embedded event store`, hint)
}
