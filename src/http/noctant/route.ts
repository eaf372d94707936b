/** What each of noctant's routes says of itself beside its own parameters, bodies and answers. */

import type { CommandBus } from '../../commands/handle.ts'
import type { ApiScope } from '../../events/noctant/vocabulary.ts'
import type { PersonKeys } from '../../events/sealing.ts'
import type { ReadModels } from '../../postgres/database.ts'
import type { CredentialDirectory } from '../../projections/noctant/credentials.ts'
import type { Waiter } from '../consistency.ts'
import type { LaunchSettings } from './launch-view.ts'

/** What the handlers work with. */
export interface NoctantDeps {
  bus: CommandBus
  db: ReadModels
  personKeys: PersonKeys
  /** The keys that this process knows. */
  credentials: Pick<CredentialDirectory, 'find'>
  /** How long a replaced API key goes on working. */
  keyRotationGraceMs: number
  launch: LaunchSettings
  /** How far apart a replay's two ends may be. */
  replayWindowMaxMs: number
  /** Now, in UTC. */
  clock: () => Date
  waiter: Waiter
  /** How long a command's answer waits for the read models. */
  waitMs: number
}

/** The part of a route that makes it one for an operator whose key has these scopes. */
export const forOperator = (...scopes: ApiScope[]) => ({
  security: [{ operatorBearerAuth: [] }],
  'x-required-scopes': scopes,
})
