/** `opslog admin product`: whether an operator's product is for sale. */
import { Argument, Command } from 'commander'
import { z } from 'zod'
import { product, productSlugIdOf } from '../../commands/noctant/product.ts'
import { Rejected } from '../../commands/noctant/rejection.ts'
import { type ProductStatus, productStatus } from '../../events/noctant/product.ts'
import type { AdminSession } from '../admin-session.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { type OutputOptions, list as printList, withOutput } from '../table-output.ts'
import { colours, show, text } from '../terminal.ts'
import { isBeginning, wholeIdOf } from '../whole-id.ts'
import { identified } from './identified.ts'
import { operatorIdOf } from './operator-id.ts'

interface StatusOptions {
  json?: boolean
  reason?: string
}

export function productCommand(tools: AdminTools): Command {
  const command = new Command('product')
  withOutput(command.command('list'))
    .argument('<operator>', 'slug, id, or the beginning of it')
    .description('its products, archived ones too')
    .addHelpText('after', examples('acme'))
    .action((name: string, options: OutputOptions) => list(tools, name, options))
  command
    .command('status')
    .argument('<operator>', 'slug, id, or the beginning of it')
    .argument('<product>', 'slug, id, or the beginning of it')
    .addArgument(new Argument('<status>').choices(productStatus.options))
    .description('put a product on sale, hide it, or archive it for good')
    .option('--reason <reason>', 'kept in the record', text('reason', 1_000))
    .option('--json', 'print JSON')
    .addHelpText('after', examples('acme starter-50k active', 'acme starter-50k archived --reason "no longer sold"'))
    .action((name: string, which: string, to: ProductStatus, options: StatusOptions) =>
      changeStatus(tools, name, which, to, options),
    )
  return command
}

async function list({ withSession }: AdminTools, name: string, options: OutputOptions): Promise<void> {
  const { listProducts } = await import('../../projections/noctant/product.ts')
  const rows = await withSession(async ({ store, db }) => listProducts(db, await operatorIdOf({ store, db }, name)))
  const shown = rows.map((row) => [
    row.slug,
    row.display_name,
    row.status,
    `${row.price} ${row.currency}`,
    row.kyc_gate,
    row.product_id,
  ])
  printList(
    rows,
    options,
    ['slug', 'name', 'status', 'price', 'kyc gate', 'product id'],
    shown,
    `${name} has no products yet; POST /v1/products makes them.`,
  )
}

async function changeStatus(
  { withSession, written }: AdminTools,
  name: string,
  which: string,
  to: ProductStatus,
  options: StatusOptions,
): Promise<void> {
  await withSession(async ({ store, db, bus, context }) => {
    const operatorId = await operatorIdOf({ store, db }, name)
    const productId = await productIdOf({ store, db }, operatorId, which)
    const circumstances = context()
    const command = { kind: 'changeStatus', operatorId, to, reason: options.reason ?? null } as const
    const handled = await bus.handle(product, productId, { ...command, at: circumstances.at }, circumstances)
    show({ product_id: productId, status: to, ...written(handled) }, options, () =>
      handled.events.length > 0
        ? colours.green(`${which} is ${to} now.`)
        : colours.yellow(`${which} was ${to} already; nothing was written.`),
    )
  })
}

/** The id of the operator's product that this slug, this id or this beginning of one names. Rejects with product_not_found. */
async function productIdOf(
  { store, db }: Pick<AdminSession, 'store' | 'db'>,
  operatorId: string,
  slugOrId: string,
): Promise<string> {
  if (z.uuid().safeParse(slugOrId).success) return slugOrId.toLowerCase()
  const claim = await store.readLast(`noctant.productSlug-${productSlugIdOf(operatorId, slugOrId)}`)
  if (claim?.type !== 'noctant.ProductSlugClaimed.v1') {
    if (isBeginning(slugOrId.toLowerCase())) return wholeIdOf({ db }, identified.product, slugOrId)
    throw new Rejected('product_not_found', `The operator has no product ${slugOrId}.`)
  }
  return String(claim.data.productId)
}
