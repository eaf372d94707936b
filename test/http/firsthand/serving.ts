/** What an API of firsthand's is made of in tests. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDiskStore } from '../../../src/adapters/object-store/disk-store.ts'
import type { ClaimLimits } from '../../../src/commands/firsthand/claiming.ts'
import type { CommandBus } from '../../../src/commands/handle.ts'
import { withParts } from '../../../src/http/context.ts'
import { firsthand } from '../../../src/http/firsthand/api.ts'
import { createJobWaits } from '../../../src/http/firsthand/jobs/job-waits.ts'
import { createKeyUse } from '../../../src/http/firsthand/keys/key-use.ts'
import { OBJECTS_PATH } from '../../../src/processes/firsthand/objects.ts'
import { STRIPE_WEBHOOK_PATH } from '../../../src/processes/firsthand/payment-access.ts'
import { endpointKeysOf } from '../../../src/processes/firsthand/webhooks.ts'
import { createCredentialDirectory } from '../../../src/projections/firsthand/credentials.ts'
import { createWorkerDirectory } from '../../../src/projections/firsthand/worker-credentials.ts'
import { startPaymentStandIn } from '../../support/payments.ts'
import type { ApiGround } from '../api.ts'

const firsthandSettings = {
  ...{ keysMax: 100, keyOverlapMs: 86_400_000, keyKnownWaitMs: 5_000 },
  transferLimits: { uploadsMax: 16, downloadsMax: 16, idleMs: 20_000 },
  perMinute: { jobsMax: 100, jobReadsMax: 300, requestsMax: 60, workerRequestsMax: 600 },
}

/** How long workers have seats, and how many. */
const claimLimits = (): ClaimLimits => ({
  ...{ claimTtlMs: 1_800_000, openSeatsMax: 500, workerClaimsMax: 3, workerClaimsPerDayMax: 50 },
})

export async function servingFirsthand(ground: ApiGround) {
  const { options, follow, url, instanceKey, ring, record } = ground
  const buyers = await follow('buyers', createCredentialDirectory())
  const workers = await follow('workers', createWorkerDirectory())
  const waits = await follow('waits', createJobWaits())
  const objectsDirectory = await mkdtemp(join(tmpdir(), 'opslog-objects-'))
  const instanceKeys = () => [instanceKey]
  const objects = createDiskStore({
    directory: objectsDirectory,
    keys: instanceKeys,
    linkBase: () => url() + OBJECTS_PATH,
    now: () => new Date(),
  })
  const standIn = await startPaymentStandIn(() => `${url()}${STRIPE_WEBHOOK_PATH}`)
  ground.onStop(async () => {
    await standIn.close()
    await rm(objectsDirectory, { recursive: true, force: true })
  })
  const log = { warn: record('warn'), error: record('error') }
  const parts = (of: CommandBus) => ({
    ...{ payments: (environment: 'live' | 'test') => standIn.payments(environment), publicUrl: undefined },
    ...{ log, ...ground.coreOf('firsthand', of), credentials: buyers, ...firsthandSettings },
    clock: options.buyClock ?? (() => new Date()),
    ...{ instanceKeys, waits, objects },
    webhooks: {
      keys: endpointKeysOf(ground.db, ring),
      resolve: ground.resolve,
      allowLoopback: false,
      endpointsMax: 16,
      overlapMs: 86_400_000,
    },
    workerCredentials: workers,
    claimLimits: { ...claimLimits(), ...options.claimLimits },
    noteUse: createKeyUse({ bus: of, log, clock: () => new Date(), gapMinMs: 900_000 }),
  })
  return {
    directories: { credentials: buyers, workers, waits },
    contextOn: (of: CommandBus) => withParts(firsthand, parts(of)),
    members: {
      ...{ buyers, workers, waits, objects },
      firsthandWaiter: ground.waiterOf('firsthand'),
      /** The stand-in for Stripe. */
      standIn,
    },
  }
}
