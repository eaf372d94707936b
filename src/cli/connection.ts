/**
 * Where the services are that a command talks to: what the environment names, else what the instance of DATA_DIR has
 * written down about itself when it started.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { type Config, loadConfig } from '../config.ts'
import { CliError, EXIT } from './terminal.ts'

const backing = z.object({ kind: z.string(), url: z.string() })

/** services.json: what a running instance is made of. */
const servicesSchema = z.object({
  pid: z.int().positive(),
  api: z.object({ url: z.string() }).nullable(),
  eventStore: backing,
  postgres: backing,
  stream: z.object({ kind: z.string(), url: z.string().nullable() }),
  engine: z.object({ url: z.string(), token: z.string() }).nullable(),
  health: z.object({ url: z.string() }).optional(),
  /** Settings of the instance that commands have to go by. */
  settings: z
    .object({ WEBHOOK_ALLOW_PRIVATE: z.boolean(), ENGINE_CURRENCIES: z.array(z.string()).optional() })
    .optional(),
})
export type RunningServices = z.infer<typeof servicesSchema>

export const configuration = (): Config => loadConfig(process.env)

/** The instance that runs on the data directory. Throws CliError (unreachable) where there is none. */
export function runningServices(dataDir: string): RunningServices {
  const found = readServices(dataDir)
  if (found && isAlive(found.pid)) return found
  const state = found ? `the instance of ${dataDir} (process ${found.pid}) has ended` : `no instance runs on ${dataDir}`
  throw new CliError(
    EXIT.unreachable,
    state,
    'Start it with `npm start`, or set DATA_DIR to the data directory of the one that runs.',
  )
}

const readServices = (dataDir: string): RunningServices | undefined =>
  readJson(join(dataDir, 'services.json'), servicesSchema)

/** As `runningServices`, or undefined where no instance runs there. */
export function findServices(dataDir: string): RunningServices | undefined {
  const found = readServices(dataDir)
  return found && isAlive(found.pid) ? found : undefined
}

/** What an instance keeps in a file of its data directory. Throws CliError (unreachable, with the hint) where it is not there. */
export function readKept<T>(dataDir: string, name: string, schema: z.ZodType<T>, hint: string): T {
  const file = join(dataDir, name)
  const found = readJson(file, schema)
  if (found) return found
  throw new CliError(EXIT.unreachable, `there is no ${file}`, hint)
}

export interface BackingUrls {
  eventStoreUrl: string
  databaseUrl: string
}

/** Connection strings of the event store and of Postgres. Throws CliError where neither source knows them. */
export function backingUrls(config: Config): BackingUrls {
  const { EVENTSTORE_URL, DATABASE_URL, DATA_DIR } = config
  if (EVENTSTORE_URL && DATABASE_URL) return { eventStoreUrl: EVENTSTORE_URL, databaseUrl: DATABASE_URL }
  const running = runningServices(DATA_DIR)
  return {
    eventStoreUrl: EVENTSTORE_URL ?? running.eventStore.url,
    databaseUrl: DATABASE_URL ?? running.postgres.url,
  }
}

function readJson<T>(file: string, schema: z.ZodType<T>): T | undefined {
  if (!existsSync(file)) return undefined
  try {
    return schema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') {
      throw new CliError(
        EXIT.refused,
        `${file} belongs to another user`,
        'Run this as the user who started the instance.',
      )
    }
    if (error instanceof SyntaxError || error instanceof z.ZodError) {
      throw new CliError(EXIT.refused, `${file} is damaged`, 'Restart the instance; it writes the file anew.')
    }
    throw error
  }
}

/** Signal 0 asks whether the process exists; EPERM says that it does and is somebody else's. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
