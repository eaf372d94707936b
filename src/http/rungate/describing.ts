/** What the API says of itself in answers. Made when it is asked for: the operations that say it are part of it. */
import { withKeptText } from '../answers.ts'
import { documentOf } from '../document.ts'
import type { RungateParts } from './access.ts'
import { AGENT } from './errors.ts'

let document: object | undefined

export const selfDescription: Pick<RungateParts, 'document' | 'agentEndpoints'> = {
  async document() {
    document ??= withKeptText(documentOf((await import('./api.ts')).rungate))
    return document
  },
  async agentEndpoints() {
    const { operations } = (await import('./api.ts')).rungate
    return operations
      .filter(({ access }) => access.alternatives.some(({ scheme }) => scheme === AGENT))
      .map(({ method, path, summary }) => ({
        ...{ method: method.toUpperCase(), path: `/rungate${path}`, description: summary },
      }))
  },
}
