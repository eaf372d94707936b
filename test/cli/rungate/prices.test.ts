/** `opslog rungate prices` as programs read it. */
import { expect, test } from 'vitest'
import { runCli } from '../../support/cli.ts'

test('prices are told in the same letters as all that the command line prints as JSON', async () => {
  const { exitCode, stdout } = await runCli(['rungate', 'prices', 'anthropic', 'claude-haiku-4-5', '--json'])
  expect(exitCode).toBe(0)
  const { tiers, ...told } = JSON.parse(stdout)
  expect(told).toMatchObject({ model: 'claude-haiku-4-5', web_search: '0.01', context_tokens: 200_000 })
  expect(tiers).toMatchObject([{ above: 0, input: '1', cache_read: '0.1', output: '5' }])
})
