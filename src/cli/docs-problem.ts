/** What `opslog docs` prints of a code: the same as `/docs/problems/<code>`. */
import { loadContexts } from '../contexts.ts'
import { type Occurrence, problemJson, problemsOf } from '../http/problem-pages.ts'
import { CliError, colours, EXIT, facts, show } from './terminal.ts'

export async function explain(code: string, options: { json?: boolean }): Promise<void> {
  const contexts = await loadContexts()
  const problems = problemsOf(await Promise.all(contexts.map(({ api }) => api())))
  const found = problems.get(code)
  if (!found) {
    const alike = [...problems.keys()].filter((each) => each.split('_').some((part) => code.split('_').includes(part)))
    throw new CliError(EXIT.refused, `no refusal has the code ${code}`, hintOf(alike))
  }
  show(problemJson(code, found), options, () => [colours.bold(code), ...found.map(factsOf)].join('\n\n'))
}

const ALIKE_MAX = 10

const hintOf = (alike: readonly string[]): string =>
  alike.length === 0 ? 'docs/generated/problems.md lists them.' : `Alike: ${alike.slice(0, ALIKE_MAX).join(', ')}`

const factsOf = ({ context, status, title, shownAs, causes, whatToDo, retry, operations }: Occurrence): string =>
  facts([
    [context, `${status}, ${title}`],
    ['in the body', shownAs],
    ['comes of', causes.join('; ')],
    ['what to do', whatToDo ?? '-'],
    ['send again', retry],
    ['answered by', operations.join(', ') || '-'],
  ])
