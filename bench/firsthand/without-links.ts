/** Loaded before an instance (`--import`): its links to files cost nothing, for they are a constant text. */
import { registerHooks } from 'node:module'

const CONSTANT = "export const createLinkTexts = () => ({ write: () => 'link', read: () => undefined })"

registerHooks({
  load: (url, context, next) =>
    url.endsWith('/object-store/link-text.ts')
      ? { format: 'module', source: CONSTANT, shortCircuit: true }
      : next(url, context),
})
