/** What the command line hands to the commands of a context, which import nothing that knows the contexts. */
import type { z } from 'zod'
import type { Ground } from '../audit/history.ts'
import type { Config } from '../config.ts'
import type { KeyRing } from '../vault/key-ring.ts'
import type { withAdminSession, written } from './admin-session.ts'
import type { RunningServices } from './connection.ts'
import type { ContextCli } from './context-cli.ts'
import type { followEvents } from './event-following.ts'
import type * as Forgetting from './person-forgetting.ts'

export interface AdminTools {
  withSession: typeof withAdminSession
  written: typeof written
  /** How persons are forgotten; loaded where it is asked for. */
  forgetting(): Promise<typeof Forgetting>
  /** DATA_DIR. */
  dataDirectory(): string
  /** The context's own variables of the environment. */
  settings<S extends z.ZodObject>(schema: S): z.output<S>
  /** Settings that the instance of DATA_DIR goes by; where none runs, those of the environment. */
  instanceSettings(): Pick<Config, 'PUBLIC_URL' | 'WEBHOOK_ALLOW_PRIVATE' | 'ENGINE_CURRENCIES' | 'ENGINE_FEED_SEED'>
  /** The instance of DATA_DIR. Throws CliError (unreachable) where none runs. */
  running(): RunningServices
  /** What an instance keeps in this file of DATA_DIR. Throws CliError (unreachable, with the hint) where it is not there. */
  kept<T>(file: string, schema: z.ZodType<T>, hint: string): T
  /** The instance's keys; undefined where they are not at hand. */
  keyRing(): Promise<KeyRing | undefined>
  followEvents: typeof followEvents
  /** A question of an auditor over the whole log, which is closed afterwards; loaded where it is asked for. */
  withGround<T>(ask: (ground: Ground) => Promise<T>): Promise<T>
  /** What all contexts show on the command line. */
  contextClis(): Promise<readonly { name: string; cli: ContextCli }[]>
}
