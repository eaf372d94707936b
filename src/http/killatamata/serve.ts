/** What killatamata's HTTP works with. */
import { mailWayOf } from '../../adapters/mail/settings.ts'
import type { ApiParts, Served } from '../../context.ts'
import { openMedia } from '../../processes/killatamata/media/opening.ts'
import { ledgersOf, openGoogleSignIn, openPurchasing, signInPartsOf } from '../../processes/killatamata/opening.ts'
import { killatamataSettings } from '../../processes/killatamata/settings.ts'
import { newProcessHealth } from '../../processes/process.ts'
import type { KillatamataParts } from './access.ts'
import type { KillatamataDirectories } from './directories.ts'
import { createKeyUse } from './keys/key-use.ts'
import { limitsOf } from './limits.ts'
import { openStudio } from './studio/opening.ts'

export async function serveKillatamata(parts: ApiParts<KillatamataDirectories>): Promise<Served> {
  const { config, bus, db, waiter, clock, apiUrl } = parts
  const settings = parts.settings(killatamataSettings)
  const { credentials, sessions } = parts.directories
  const { log } = parts.dependenciesOf('killatamata-keys', newProcessHealth())
  const signIn = signInPartsOf(parts)
  // It looks at inputs that come with requests; jobs run elsewhere.
  const { media, keys: callbackKeys, close } = await openMedia(parts, 'inputs', { size: 1 })
  parts.onClose(close)
  const own: KillatamataParts = {
    ...{ bus, db, waiter, clock: clock.now, apiUrl, credentials, sessions },
    noteUse: createKeyUse({ bus, log, clock: clock.now }),
    signIn,
    google: await openGoogleSignIn(settings),
    mailWay: mailWayOf(settings),
    ledgers: ledgersOf(parts),
    purchasing: await openPurchasing(parts, log),
    studio: openStudio(parts, media, signIn.digests),
    ...{ media, callbackKeys },
    allowsLoopback: config.WEBHOOK_ALLOW_PRIVATE,
    limits: limitsOf(settings),
    cookies: { publicUrl: config.PUBLIC_URL, trustProxy: config.TRUST_PROXY },
    knownWaitMs: config.READ_YOUR_WRITES_WAIT_MS,
  }
  return { parts: own }
}
