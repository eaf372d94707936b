import { expect, test } from 'vitest'
import { matcherOf } from '../../../src/commands/rungate/globs.ts'

const cases: [glob: string, matching: string[], others: string[]][] = [
  ['gpt-4o', ['gpt-4o', 'GPT-4o'], ['gpt-4o-mini', 'xgpt-4o', '']],
  ['gpt-4*', ['gpt-4', 'gpt-4o', 'gpt-4/a/b'], ['gpt-3.5', 'my-gpt-4']],
  ['*-mini', ['gpt-4o-mini', '-mini'], ['mini', 'gpt-4o-mini-2']],
  ['meta/*/instruct', ['meta/llama/3/instruct'], ['meta/instruct']],
  ['a?c', ['abc', 'a/c', 'aéc'], ['ac', 'abbc']],
  ['gpt-[45]*', ['gpt-4o', 'gpt-5'], ['gpt-3', 'gpt-']],
  ['gpt-[!3-4]', ['gpt-5'], ['gpt-3', 'gpt-4']],
  ['[]x]', [']', 'x'], ['a']],
  ['{gpt-4o,claude-*}', ['gpt-4o', 'claude-3'], ['gpt-4', 'gpt-4o,claude-3']],
  ['a{b,c{d,}}e', ['abe', 'acde', 'ace'], ['ae', 'abcde']],
  ['{a', ['{a'], ['a']],
  ['a}b,c', ['a}b,c'], ['ab']],
  ['a[b', ['a[b'], ['ab']],
  ['\\*x', ['*x'], ['ax']],
  ['**', ['', 'anything'], []],
]

test.each(cases)('the glob %s means %j and not %j', (glob, matching, others) => {
  const match = matcherOf([glob])
  expect(matching.filter((name) => match(name) === undefined)).toEqual([])
  expect(others.filter((name) => match(name) !== undefined)).toEqual([])
})

test('the first glob of a list that a name matches is told', () => {
  expect(matcherOf(['claude-*', 'gpt-*', 'gpt-4o'])('gpt-4o')).toBe('gpt-*')
})

test('no glob takes long, whatever name it is held against', () => {
  const name = 'a'.repeat(256)
  for (const glob of [
    `${'a*'.repeat(100)}b`,
    `${'*a'.repeat(99)}b`,
    `${'{a,aa}'.repeat(33)}b`,
    `${'{a,*}'.repeat(40)}b`,
  ]) {
    const startedMs = performance.now()
    expect(matcherOf([glob])(name)).toBeUndefined()
    expect(performance.now() - startedMs).toBeLessThan(250)
  }
})
