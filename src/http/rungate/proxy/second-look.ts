/**
 * A prompt counted exactly, where only its bound stands in a budget's way: by OpenAI's vocabulary on a thread of its own, and by
 * Anthropic itself. Where either does not answer in time, the bound stands.
 */
import { scanCall } from '../../../adapters/llm/call-scan.ts'
import { countTokensBody, readTokenCount } from '../../../adapters/llm/count-tokens.ts'
import { joined } from '../../../adapters/llm/joined.ts'
import { promptTexts } from '../../../adapters/llm/prompt-text.ts'
import { providerHeaders, providerUrl } from '../../../adapters/llm/provider-headers.ts'
import { requestToAnthropic } from '../../../adapters/llm/request-to-anthropic.ts'
import type { CallFacts, RunView } from '../../../commands/rungate/desk/interface.ts'
import { baseUrlOf, type Route, routesOf } from '../../../commands/rungate/routing.ts'
import { providerKeys } from '../../../projections/rungate/provider-key.ts'
import type { AdmittedCall } from './answering.ts'
import type { ProxyParts } from './proxy-parts.ts'

type Counting = Pick<AdmittedCall, 'scan' | 'profile' | 'incoming' | 'counted'>
type Parts = Pick<ProxyParts, 'counter' | 'client' | 'directory' | 'secrets' | 'ownerOf' | 'limits'>

const MESSAGE_TOKENS = 4
/** What other vocabularies may need more than the one that is counted by. */
const FOREIGN_FACTOR = 1.5
const ANSWER_MAX_BYTES = 65_536
/** Models of the vocabulary that is counted by. */
const COUNTED = /^(ft:)?(gpt-(4o|4\.1|4\.5|[5-9])|chatgpt-4o|o\d)/

/** The facts with a prompt that was counted, if it could be; they are not counted again. */
export async function counted(parts: Parts, facts: CallFacts, run: RunView, call: Counting): Promise<CallFacts> {
  const asked = run.settings.modelOverride ?? facts.model ?? run.settings.defaultModel
  const known = { ...facts, mayCount: false }
  if (asked === null || call.scan.prompt.isOpen) return known
  const routing = { accountId: facts.agent.accountId, format: facts.format, model: asked, profile: call.profile }
  const { routes } = routesOf(run.settings, { ...routing, owner: parts.ownerOf(asked) }, parts.directory)
  const counts = await Promise.all([
    ...(routes.some(({ format }) => format === 'openai') ? [byVocabulary(parts, routes, call)] : []),
    ...routes.filter(({ format }) => format === 'anthropic').map((route) => byProvider(parts, route, call)),
  ])
  const most = Math.max(...counts.map((count) => count ?? Number.POSITIVE_INFINITY))
  const { prompt } = facts.size
  if (!Number.isFinite(most) || most >= prompt.textBytes) return known
  const smaller = { ...prompt, textBytes: most, messages: 0, hasTools: false }
  return { ...known, size: { ...facts.size, prompt: smaller }, estimatedInputTokens: most + prompt.mediaTokens }
}

async function byVocabulary(
  { counter }: Parts,
  routes: readonly Route[],
  { scan, counted: inTurn }: Counting,
): Promise<number | undefined> {
  const texts = await inTurn(() => promptTexts(scan, counter.bytesMax))
  const tokens = texts && (await counter.count(texts))
  if (tokens === undefined) return undefined
  const isForeign = routes.some(({ format, model }) => format === 'openai' && !COUNTED.test(model))
  return Math.ceil(tokens * (isForeign ? FOREIGN_FACTOR : 1)) + MESSAGE_TOKENS * scan.prompt.messages
}

/** Of the provider's first key; free, and exact: what it counts of pictures is in its figure. */
async function byProvider(
  { client, directory, secrets, limits }: Parts,
  { model, keys: [first] }: Route,
  { scan, incoming, counted: inTurn }: Counting,
): Promise<number | undefined> {
  try {
    const translated = async () => {
      const pieces = await inTurn(() => requestToAnthropic(scan, { model }))
      return scanCall(await joined(pieces, inTurn), 'anthropic', undefined, inTurn)
    }
    const own = scan.format === 'anthropic' ? scan : await translated()
    const key = first && directory.row(providerKeys, first.keyId)
    // Its secret is for the address that it has now.
    if (!key || baseUrlOf(key) !== first.baseUrl) return undefined
    const call = client.call({
      url: providerUrl('anthropic', first.baseUrl, 'count_tokens'),
      headers: providerHeaders('anthropic', await secrets.open(key), incoming),
      body: countTokensBody(own, model),
      ...{ connectTimeoutMs: limits.countTimeoutMs, timeoutMs: limits.countTimeoutMs },
    })
    const { status, body } = await call.answer
    const answer = await body.whole(ANSWER_MAX_BYTES)
    return status === 200 ? readTokenCount(answer) : undefined
  } catch {
    // Whatever went wrong, the bound stands; the call itself will say what is the matter.
    return undefined
  }
}
