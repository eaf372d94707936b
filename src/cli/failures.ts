/** What the errors of every layer mean to the caller of a command. Loaded with the first of them. */
import { ChainUnavailable } from '../adapters/chain/rpc.ts'
import { damageOf } from '../audit/damage.ts'
import { Rejected } from '../commands/rejection.ts'
import { LogMismatch, MISMATCH_REMEDY } from '../events/log-identity.ts'
import { PersonKeysUnavailable } from '../events/sealing.ts'
import { StoreUnavailable } from '../events/store.ts'
import { failureOf as postgresFailureOf } from '../postgres/failure.ts'
import { InvalidConfiguration } from '../runtime/invalid-configuration.ts'
import { EXIT, type Failure, isFetchFailure, reasonOf } from './terminal.ts'

const DAMAGE_HINT = '`opslog audit verify` names all such places. Restore a backup: docs/runbook.md says how.'
const START_HINT = 'Is the instance running? Start it with `npm start`.'

/** What an error means, or undefined where nobody foresaw it. */
export function failureOf(error: unknown): Failure | undefined {
  if (error instanceof Rejected) {
    return { exitCode: EXIT.refused, code: error.code, message: error.message, hint: undefined }
  }
  if (error instanceof InvalidConfiguration) {
    return { exitCode: EXIT.usage, code: 'invalid_configuration', message: error.message, hint: undefined }
  }
  if (error instanceof PersonKeysUnavailable || error instanceof ChainUnavailable) {
    return { exitCode: EXIT.unreachable, code: 'unreachable', message: error.message, hint: undefined }
  }
  if (error instanceof LogMismatch) {
    return { exitCode: EXIT.refused, code: 'event_store_mismatch', message: error.message, hint: MISMATCH_REMEDY }
  }
  const damage = damageOf(error)
  if (damage) {
    const [named] = damage.events.map(({ stream, revision }) => ` (${stream}, revision ${revision})`)
    const message = `${damage.detail}${named ?? ''}`
    return { exitCode: EXIT.refused, code: 'log_damaged', message, hint: DAMAGE_HINT }
  }
  if (error instanceof StoreUnavailable || postgresFailureOf(error) === 'unavailable' || isFetchFailure(error)) {
    return { exitCode: EXIT.unreachable, code: 'unreachable', message: reasonOf(error), hint: START_HINT }
  }
  return undefined
}
