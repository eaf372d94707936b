/** What `opslog admin` hands to the commands of a context, which import nothing that knows the contexts. */
import type { z } from 'zod'
import type { withAdminSession, written } from './admin-session.ts'
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
}
