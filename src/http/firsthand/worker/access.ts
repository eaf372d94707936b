/** Who signs a worker's requests, and the builders of the operations that workers have. */
import { createKeyProof } from '../../../api-keys/key-proof.ts'
import { requestKeyUse } from '../../../commands/firsthand/request-key.ts'
import { workerTextIdOf } from '../../../commands/firsthand/worker-token.ts'
import type { WorkerDirectory } from '../../../projections/firsthand/worker-credentials.ts'
import { bearerScheme, signedBy, type Verifier } from '../../access.ts'
import type { Principal } from '../../environment.ts'
import { keepKeys } from '../../once.ts'
import { operationsFor } from '../../operation.ts'
import type { RateClass } from '../../rate-limit.ts'
import type { FirsthandParts } from '../access.ts'
import type { FirsthandCode } from '../errors.ts'

export interface WorkerPrincipal extends Principal {
  workerId: string
}

/** Builders of operations of the worker's side. */
export const workers = operationsFor<FirsthandParts, WorkerPrincipal, FirsthandCode>()

const keeps = keepKeys(requestKeyUse, ({ workerId }: WorkerPrincipal, operation, occurredAt) => ({
  ...{ workerId, environment: WORKERS_ENVIRONMENT, operation, occurredAt },
}))

/** A worker's write about something that its address names: its key stands for one request, whatever that is about. */
export const changeOfWorker: typeof workers.write = (spec) => workers.write({ ...spec, keeps })

export const WORKER_SCHEME = 'WorkerToken'
const SUSPENDED = 'worker_suspended'
export const workerScheme = { ...bearerScheme('A worker’s token.'), refuses: [SUSPENDED] }

/** For a worker; it sees what is its own, and jobs. */
export const workerToken = signedBy(WORKER_SCHEME)

/** Workers work for money: the test world is none of theirs. */
export const WORKERS_ENVIRONMENT = 'live' as const

/** The worker of a token's text. */
export function workerVerifier({ workerCredentials }: FirsthandParts): Verifier<WorkerPrincipal> {
  type Found = NonNullable<ReturnType<WorkerDirectory['find']>>
  const proven = createKeyProof<Found>({
    idOf: workerTextIdOf,
    find: (textId) => workerCredentials.find(textId),
    hashOf: ({ token }) => token.token_hash,
  })
  return (text) => {
    const { token, worker } = proven(text) ?? {}
    if (!token || !worker || token.revoked_at !== null || worker.status === 'forgotten') return { kind: 'invalid' }
    if (worker.status === 'suspended') {
      return { kind: 'refused', code: SUSPENDED, detail: 'The worker is suspended; its tokens open nothing.' }
    }
    const { worker_id: workerId, token_id: keyId } = token
    return {
      kind: 'valid',
      principal: {
        ...{ workerId, tenantId: workerId, environment: WORKERS_ENVIRONMENT, scopes: [] },
        actor: { kind: 'worker', id: workerId, keyId },
        logFields: { workerId, keyId },
      },
    }
  }
}

export const workerRate = ({ perMinute }: FirsthandParts): RateClass<never> => ({
  by: 'tenant',
  perMinuteMax: () => perMinute.workerRequestsMax,
  detail: (max) => `A worker may send ${max} requests per minute.`,
})
