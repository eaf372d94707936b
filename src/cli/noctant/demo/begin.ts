/** The beginning of a story: clients of the operator and the trader, on the instance that is to be shown. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { AdminTools } from '../../admin-tools.ts'
import { createClient, type Target } from '../../demo/client.ts'
import type { DemoSetting, GivenTarget } from '../../demo/setting.ts'
import { createTypedClient } from '../../demo/typed-client.ts'
import { CliError, EXIT } from '../../terminal.ts'
import { sandboxOperator } from '../operator-id.ts'
import type { Story } from './story.ts'

/** Of this API no request takes longer. */
const REQUEST_TIMEOUT_MS = 10_000

type Beginning = Pick<DemoSetting, 'given' | 'tools' | 'checks' | 'limits' | 'waits'>

/** A run with clients of its own. Throws CliError where the instance, its engine or the operator's key is not to be found. */
export function begin({ given, tools, checks, limits, waits }: Beginning): Story {
  const operator = (): Target => {
    const { url } = given
    const key = givenKey(given)
    const stored = url && key ? undefined : sandboxOperator(tools)
    return { url: contextUrl(url ?? runningApiUrl(tools)), token: key ?? stored!.api_key }
  }
  const trader = (): Target => {
    const { engineUrl, engineToken } = given
    if (engineUrl && engineToken) return { url: trimmed(engineUrl), token: engineToken }
    const { engine } = tools.running()
    if (engine) return { url: trimmed(engine.url), token: engine.token }
    const hint = 'Run an instance with the engine role, or pass --engine-url and --engine-token.'
    throw new CliError(EXIT.unreachable, 'the running instance has no engine', hint)
  }
  // Asked once now, so that a missing instance is reported at once; later questions may wait for a restart.
  operator()
  trader()
  const quick = { ...limits, requestTimeoutMs: REQUEST_TIMEOUT_MS }
  return {
    ...{ tools, checks, waits },
    operator: createTypedClient('noctant', operator, quick),
    trader: createClient('order entry', trader, quick),
    run: `${Date.now().toString(36)}-${randomBytes(3).toString('hex')}`,
    found: { globalUserId: '', accountId: '', orders: [] },
  }
}

function givenKey({ key, keyFile }: GivenTarget): string | undefined {
  if (keyFile === undefined) return key
  try {
    return readFileSync(keyFile, 'utf8').trim()
  } catch (error) {
    throw new CliError(EXIT.usage, `the key cannot be read: ${(error as Error).message}`)
  }
}

function runningApiUrl({ running }: AdminTools): string {
  const { api } = running()
  if (api) return api.url
  throw new CliError(EXIT.unreachable, 'the running instance has no API', 'Run one with the api role, or pass --url.')
}

const trimmed = (url: string): string => url.replace(/\/+$/, '')

/** The address of this context, whether the given one names it or only the service. */
const contextUrl = (url: string): string => (/\/noctant\/*$/.test(url) ? trimmed(url) : `${trimmed(url)}/noctant`)
