/** What firsthand serves beside its operations. */
import { Hono } from 'hono'
import { isDiskStore } from '../../adapters/object-store/disk-store.ts'
import type { SharedRuntime } from '../context.ts'
import type { AppEnv } from '../environment.ts'
import type { FirsthandParts } from './access.ts'
import { paymentRoutes } from './billing/stripe-webhook.ts'
import { objectRoutes } from './objects/object-routes.ts'
import { workPages } from './work/work-pages.ts'

export function pages(parts: FirsthandParts, runtime: SharedRuntime): Hono<AppEnv> {
  const app = new Hono<AppEnv>()
  const { objects } = parts
  // The links of a bucket lead there.
  if (isDiskStore(objects)) app.route('/', objectRoutes({ ...parts, objects }, runtime))
  app.route('/', paymentRoutes(parts, runtime))
  app.route('/', workPages(parts, runtime))
  return app
}
