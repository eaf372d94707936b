/** `opslog rungate prices`: what a model costs by the tables that calls are settled with. */
import { readFile } from 'node:fs/promises'
import { Command } from 'commander'
import { rungateSettings } from '../../processes/rungate/settings.ts'
import { inSnakeCase } from '../../runtime/letter-case.ts'
import type { AdminTools } from '../admin-tools.ts'
import { CliError, EXIT, facts, show } from '../terminal.ts'

interface JsonOption {
  json?: boolean
}

export function pricesCommand(tools: Pick<AdminTools, 'settings'>): Command {
  return new Command('prices')
    .description('what a model costs, by the built-in table and by PRICES_FILE')
    .argument('<provider>', 'such as openai')
    .argument('<model>', 'such as gpt-5')
    .option('--json', 'print JSON')
    .action((provider: string, model: string, options: JsonOption) => run(tools, provider, model, options))
    .addHelpText(
      'after',
      `
Examples:
  opslog rungate prices openai gpt-5
  opslog rungate prices anthropic claude-haiku-4-5 --json

Exit codes: 0 known, 1 no price is known, or PRICES_FILE cannot be read, 2 wrong usage.`,
    )
}

async function run(
  { settings }: Pick<AdminTools, 'settings'>,
  provider: string,
  model: string,
  options: JsonOption,
): Promise<void> {
  const { createPriceTable, readOwnPrices } = await import('../../adapters/llm/price-table.ts')
  const { PRICES_FILE: file } = settings(rungateSettings)
  const own = file === undefined ? [] : readOwnPrices(await textOf(file))
  const found = createPriceTable(own).find(provider, model, new Date())
  if (!found) {
    throw new CliError(
      EXIT.refused,
      `No price of ${model} at ${provider} is known.`,
      'Under a budget such a model is refused. PRICES_FILE names prices of your own.',
    )
  }
  const { prices, contextTokens = null, maxOutputTokens = null } = found
  const said = { ...(inSnakeCase(prices) as object), context_tokens: contextTokens, max_output_tokens: maxOutputTokens }
  show({ provider, model, ...said }, options, () =>
    facts([
      ['source', prices.source],
      ...prices.tiers.flatMap((tier): [string, string][] => {
        const from = tier.above === 0 ? '' : `, above ${tier.above} input tokens`
        return [
          [`input${from}`, `$${tier.input} for a million tokens`],
          [`read from the cache${from}`, `$${tier.cacheRead}`],
          [`written into it${from}`, `$${tier.cacheWrite5m}, for an hour $${tier.cacheWrite1h}`],
          [`output${from}`, `$${tier.output}`],
        ]
      }),
      ['a search', `$${prices.webSearch}`],
      ['context', contextTokens === null ? 'unknown' : `${contextTokens} tokens`],
    ]),
  )
}

const textOf = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CliError(EXIT.refused, `PRICES_FILE ${file} cannot be read: ${error.code ?? error.message}.`)
  })
