/**
 * Pages beside the contract: the skill at its four addresses, the page on which a device's code is approved, and the arcade's files.
 */
import { Hono } from 'hono'
import type { SharedRuntime } from '../../context.ts'
import type { AppEnv } from '../../environment.ts'
import { fixedText } from '../../fixed-text.ts'
import type { KillatamataParts } from '../access.ts'
import { arcadePages } from '../arcade/pages.ts'
import { LINK_PAGE } from '../device/start-link.ts'
import { mediaPages } from '../media/file-pages.ts'
import { studioFileRoutes } from '../studio/file-routes.ts'
import { devicePage } from './device-page.ts'
import { entryPage } from './entry.ts'
import { SKILL_PATHS, skillAt } from './facts.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const MARKDOWN = { 'content-type': 'text/markdown; charset=utf-8' }
/** Its own script and style, and requests to where it comes from. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"

export function killatamataPages(parts: KillatamataParts, runtime: SharedRuntime): Hono<AppEnv> {
  const { apiUrl } = parts
  const app = new Hono<AppEnv>()
  app.route('/', studioFileRoutes(parts, runtime))
  app.route('/', mediaPages(parts, runtime))
  app.get(
    SKILL_PATHS.manifest,
    fixedText(() => JSON.stringify({ skills: [skillAt(apiUrl())] }), JSON_TYPE),
  )
  app.get(
    SKILL_PATHS.metadata,
    fixedText(() => JSON.stringify(skillAt(apiUrl())), JSON_TYPE),
  )
  const entry = fixedText(() => entryPage(apiUrl()), MARKDOWN)
  for (const path of [SKILL_PATHS.root, SKILL_PATHS.entrypoint]) app.get(path, entry)
  app.get(LINK_PAGE, (c) =>
    c.html(devicePage, 200, {
      ...{ 'content-security-policy': PAGE_POLICY, 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' },
      'x-content-type-options': 'nosniff',
    }),
  )
  app.route('/', arcadePages(parts, runtime))
  return app
}
