/** What compiles text is refused by the policy of the pages, and would do nothing: none of it is in the source. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { filesUnder, root } from '../../support/source.ts'

const sources = filesUnder('src').filter(({ path }) => /^src\/http\/(console|pages|\w+\/console)\//.test(path))

it.each([
  ['hx-on', /hx-on[:=]/],
  ['hx-vals with script', /hx-vals="js:/],
  ['hx-confirm', /hx-confirm/],
  ['a trigger with a filter', /hx-trigger="[^"]*\[/],
  ['a style in markup', /<\w[^>`]* style="/],
  ['a script in markup', /<script(?! src| defer)[^>]*>[^<]/],
])('no page has %s', (_, pattern) => {
  expect(sources.filter(({ text }) => pattern.test(text)).map(({ path }) => path)).toEqual([])
})

it('the console’s own script stays small, and makes no markup of texts', () => {
  const script = readFileSync(join(root, 'src/http/console/static/console.js'), 'utf8')
  expect(script.split('\n').length).toBeLessThanOrEqual(250)
  expect(script).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function/)
})
