/** Answers of dry runs are answers of their format, and counting a prompt asks for that and for nothing else. */
import { describe, expect, it } from 'vitest'
import { readAnswer } from '../../../src/adapters/llm/answer-translation.ts'
import { type Format, scanCallNow } from '../../../src/adapters/llm/call-scan.ts'
import { countTokensBody, readTokenCount } from '../../../src/adapters/llm/count-tokens.ts'
import { dryRunAnswer } from '../../../src/adapters/llm/dry-run.ts'
import { StreamRelay } from '../../../src/adapters/llm/stream-relay.ts'
import { noUsage } from '../../../src/adapters/llm/usage.ts'

describe.each<Format>(['openai', 'anthropic'])('a dry run in the format of %s', (format) => {
  const run = { format, id: '1a', model: 'm', wantsUsage: true, createdS: 5 }

  it('has a whole answer that used nothing', async () => {
    const { usage, deliveredBytes } = await readAnswer(format, dryRunAnswer({ ...run, isStream: false }))
    expect([usage, deliveredBytes > 10]).toStrictEqual([noUsage, true])
  })

  it('has a stream that is complete', () => {
    const relay = new StreamRelay({ from: format, to: format, wantsUsage: true, model: 'm', createdS: 5 })
    const stream = dryRunAnswer({ ...run, isStream: true })
    expect(Buffer.concat(relay.push(stream))).toStrictEqual(stream)
    relay.end()
    expect(relay.reader.usage).toStrictEqual(noUsage)
  })
})

describe('a count of tokens', () => {
  it('is asked for what becomes prompt, byte for byte', () => {
    const body =
      '{"model":"a","max_tokens":5,"stream":true,"system": [ ],"messages":[{"n":1.0}],"tools":null,"x-gateway-run-id":"r"}'
    const asked = Buffer.concat(countTokensBody(scanCallNow(Buffer.from(body), 'anthropic'), 'served')).toString()
    expect(asked).toBe('{"model":"served","system":[ ],"messages":[{"n":1.0}]}')
  })

  it.each([
    ['{"input_tokens":12}', 12],
    ['{"input_tokens":"12"}', undefined],
    ['{}', undefined],
    ['<html>', undefined],
  ])('is read from %s as %j', (answer, count) => {
    expect(readTokenCount(Buffer.from(answer))).toBe(count)
  })
})
