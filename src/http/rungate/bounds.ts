/** How much of policies and agents is taken, and how many requests: bounds of the installation's settings, within those of the schemas. */
import type { RungateSettings } from '../../processes/rungate/settings.ts'
import { type FieldError, Problem } from '../errors.ts'

export interface RungateBounds {
  globsMax: number
  globLengthMax: number
  chainMax: number
  modelRoutesMax: number
  keysPerProviderMax: number
  metadataMaxBytes: number
}

export const boundsOf = (settings: RungateSettings): RungateBounds => ({
  ...{ globsMax: settings.POLICY_GLOBS_MAX, globLengthMax: settings.POLICY_GLOB_LENGTH_MAX },
  ...{ chainMax: settings.ROUTING_CHAIN_MAX, modelRoutesMax: settings.ROUTING_MODEL_ROUTES_MAX },
  ...{ keysPerProviderMax: settings.AGENT_KEYS_PER_PROVIDER_MAX, metadataMaxBytes: settings.METADATA_MAX_BYTES },
})

/** Of one account: calls of models, new tokens, and whatever else it asks. */
export const perMinuteOf = (settings: RungateSettings) => ({
  requestsMax: settings.RUNGATE_REQUESTS_PER_MINUTE_MAX,
  callsMax: settings.PROXY_CALLS_PER_MINUTE_MAX,
  tokensMax: settings.RUNGATE_NEW_TOKENS_PER_MINUTE_MAX,
})

interface Routing {
  default_chain?: readonly string[] | undefined
  model_routes?: readonly { pattern: string; chain: readonly string[] }[] | undefined
}

/** The members of a policy's or an agent's body that are bounded. */
interface Bounded {
  allowed_models?: readonly string[] | undefined
  blocked_models?: readonly string[] | undefined
  allowed_tools?: readonly string[] | undefined
  blocked_tools?: readonly string[] | undefined
  require_approval?: readonly string[] | undefined
  routing?: Routing | undefined
  routing_override?: Routing | null | undefined
  provider_keys?: Readonly<Record<string, string | readonly unknown[]>> | undefined
  metadata?: Record<string, unknown> | undefined
}

const GLOBS = ['allowed_models', 'blocked_models', 'allowed_tools', 'blocked_tools', 'require_approval'] as const

/** Throws a Problem (400) that names each member that is more than the installation takes. */
export function requireWithin(bounds: RungateBounds, body: Bounded): void {
  const errors: FieldError[] = []
  const check = (pointer: string, found: number, max: number, what: string) => {
    if (found > max) errors.push({ pointer, code: 'too_long', detail: `must have at most ${max} ${what}` })
  }
  const glob = (pointer: string, text: string) => check(pointer, text.length, bounds.globLengthMax, 'characters')
  for (const name of GLOBS) {
    check(`/${name}`, body[name]?.length ?? 0, bounds.globsMax, 'entries')
    for (const [index, text] of (body[name] ?? []).entries()) glob(`/${name}/${index}`, text)
  }
  for (const name of ['routing', 'routing_override'] as const) {
    const { default_chain = [], model_routes = [] } = body[name] ?? {}
    check(`/${name}/default_chain`, default_chain.length, bounds.chainMax, 'entries')
    check(`/${name}/model_routes`, model_routes.length, bounds.modelRoutesMax, 'entries')
    for (const [index, { pattern, chain }] of model_routes.entries()) {
      glob(`/${name}/model_routes/${index}/pattern`, pattern)
      check(`/${name}/model_routes/${index}/chain`, chain.length, bounds.chainMax, 'entries')
    }
  }
  for (const [provider, choice] of Object.entries(body.provider_keys ?? {})) {
    const keys = typeof choice === 'string' ? 1 : choice.length
    check(`/provider_keys/${provider}`, keys, bounds.keysPerProviderMax, 'entries')
  }
  const metadataBytes = body.metadata === undefined ? 0 : Buffer.byteLength(JSON.stringify(body.metadata))
  check('/metadata', metadataBytes, bounds.metadataMaxBytes, 'bytes')
  if (errors.length > 0) throw new Problem('validation_failed', 'The body does not fit.', { errors })
}
