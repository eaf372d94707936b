/** What killatamata's HTTP works with. */
import { mailWayOf } from '../../adapters/mail/settings.ts'
import type { ApiParts, Served } from '../../context.ts'
import { openArcade } from '../../processes/killatamata/arcade/parts.ts'
import { openMedia } from '../../processes/killatamata/media/opening.ts'
import {
  ledgersOf,
  openGoogleSignIn,
  openPurchasing,
  openX402,
  referringOf,
  signInPartsOf,
} from '../../processes/killatamata/opening.ts'
import { createClicks } from '../../processes/killatamata/referring.ts'
import { ensureSandbox } from '../../processes/killatamata/sandbox.ts'
import type { Sandbox } from '../../processes/killatamata/sandbox-parts.ts'
import { killatamataSettings } from '../../processes/killatamata/settings.ts'
import { newProcessHealth } from '../../processes/process.ts'
import type { KillatamataParts } from './access.ts'
import type { KillatamataDirectories } from './directories.ts'
import { createKeyUse } from './keys/key-use.ts'
import { limitsOf } from './limits.ts'
import { openStudio } from './studio/opening.ts'

export async function serveKillatamata(parts: ApiParts<KillatamataDirectories>, sandbox: Sandbox): Promise<Served> {
  const { config, bus, db, waiter, clock, apiUrl } = parts
  const settings = parts.settings(killatamataSettings)
  const { credentials, sessions } = parts.directories
  const { log } = parts.dependenciesOf('killatamata-keys', newProcessHealth())
  const signIn = signInPartsOf(parts)
  const standIns = await sandbox(parts)
  const limits = limitsOf(settings)
  // It looks at inputs that come with requests; jobs run elsewhere.
  const {
    media,
    keys: callbackKeys,
    close,
  } = await openMedia(parts, 'inputs', {
    size: 1,
    sandboxOrigin: () => standIns?.url,
  })
  parts.onClose(close)
  const own: KillatamataParts = {
    ...{ bus, db, waiter, clock: clock.now, apiUrl, credentials, sessions },
    noteUse: createKeyUse({ bus, log, clock: clock.now }),
    signIn,
    google: await openGoogleSignIn(settings, standIns),
    mailWay: mailWayOf(settings),
    ledgers: ledgersOf(parts),
    purchasing: openPurchasing(parts, standIns, log),
    x402: await openX402(parts, standIns),
    ...{ referring: referringOf(parts), noteClick: createClicks(parts) },
    arcade: await openArcade(parts),
    siteUrl: () => settings.KILLATAMATA_SITE_URL ?? `${apiUrl()}/`,
    studio: openStudio(parts, media, signIn.digests, standIns),
    ...{ media, callbackKeys },
    allowsLoopback: config.WEBHOOK_ALLOW_PRIVATE || standIns !== undefined,
    // Whoever tries the sandbox is held up by nothing.
    limits: standIns ? { ...limits, requestsPerMinuteMax: Number.MAX_SAFE_INTEGER } : limits,
    cookies: { publicUrl: config.PUBLIC_URL, trustProxy: config.TRUST_PROXY },
    knownWaitMs: config.READ_YOUR_WRITES_WAIT_MS,
  }
  const firstRun = async (url: string) => {
    const made = await ensureSandbox(own.signIn, config.DATA_DIR, { url, now: clock.now, facts: standIns?.facts })
    return { ...made, member: 'account.api_key', path: '/killatamata/api/v1/balance' }
  }
  return { parts: own, firstRun }
}
