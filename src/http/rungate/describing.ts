/** What the API says of itself in answers. Made when it is asked for: the operations that say it are part of it. */
import { documentOf } from '../document.ts'
import { fixedText } from '../fixed-text.ts'
import type { RungateParts } from './access.ts'
import { AGENT } from './errors.ts'
import { guides } from './guides/guides.ts'

const MARKDOWN = { 'content-type': 'text/markdown; charset=utf-8' }
const described = async () => (await import('./api.ts')).rungate

/** `apiUrl`: where clients reach the instance, which it knows once it listens. */
export const selfDescription = (
  apiUrl: () => string,
): Pick<RungateParts, 'document' | 'guides' | 'agentEndpoints'> => ({
  document: fixedText(async () => JSON.stringify(documentOf(await described())), {
    'content-type': 'application/json',
  }),
  guides: new Map(
    [...guides].map(([name, textFor]) => [name, fixedText(() => textFor(`${apiUrl()}/rungate`), MARKDOWN)]),
  ),
  async agentEndpoints() {
    const { operations } = await described()
    return operations
      .filter(({ access }) => access.alternatives.some(({ scheme }) => scheme === AGENT))
      .map(({ method, path, summary }) => ({
        ...{ method: method.toUpperCase(), path: `/rungate${path}`, description: summary },
      }))
  },
})
