/** Morning: the operator signs in, provisions a user, opens an account, and waits until the engine has it. */
import { type Answered, triesOf } from '@opslog/client'
import { statusOf } from '../../demo/typed-client.ts'
import {
  accountPolicies,
  externalAccountId,
  externalUserId,
  initialBalance,
  ofAccount,
  ofUser,
  pollSummary,
  type Story,
} from './story.ts'

type Say = (note: string) => void

export async function signIn({ operator, checks }: Story, say: Say): Promise<void> {
  const me = await operator.GET('/v1/me')
  const shown = me.data?.operator
  checks.equal('the key signs the operator in', `${statusOf(me)} ${shown?.status}`, '200 active')
  say(`${shown?.name} (${shown?.environment})`)
}

export async function provisionUser(story: Story, say: Say): Promise<void> {
  const { operator, checks, run } = story
  const body = { external_id: externalUserId(story), email: `demo-${run}@example.com`, display_name: 'Ada Demo' }
  const first = await operator.POST('/v1/users', { body })
  checkCreated(story, 'the user is created', first)
  const again = await operator.POST('/v1/users', { body })
  checkSame(story, 'asked for again it is the same one', again, [
    again.data?.global_user_id,
    first.data?.global_user_id,
  ])
  story.found.globalUserId = String(first.data?.global_user_id)
  const read = await operator.GET('/v1/users/{global_user_id}', { params: ofUser(story) })
  checks.equal('the user can be read at once', read.data?.external_id, body.external_id)
  say(body.external_id)
}

export async function openAccount(story: Story, say: Say): Promise<void> {
  const { operator, checks } = story
  const body = {
    external_account_id: externalAccountId(story),
    global_user_id: story.found.globalUserId,
    account_name: 'A day at opslog',
    currency: 'USD',
    initial_balance: initialBalance,
    rules_owner: 'partner' as const,
    ...accountPolicies,
  }
  const first = await operator.POST('/v1/accounts', { body })
  checkCreated(story, 'the account is opened', first)
  const opened = first.data?.account
  const read = await operator.GET('/v1/accounts/by-external-id', { params: ofAccount(story) })
  checks.equal('the account can be read at once', read.data?.account.external_account_id, body.external_account_id)
  const again = await operator.POST('/v1/accounts', { body })
  checkSame(story, 'opened again it is the same one', again, [again.data?.account.account_id, opened?.account_id])
  const other = await operator.POST('/v1/accounts', { body: { ...body, initial_balance: '5.00' } })
  checks.equal('other facts under its name are refused', other.response.status, 409)
  story.found.accountId = String(opened?.account_id)
  say(String(opened?.account_number))
}

export async function awaitEngine(story: Story, say: Say): Promise<void> {
  const summary = await pollSummary(story, ({ trading_status }) => trading_status === 'active')
  const seen = `${summary.trading_status} ${summary.balance}`
  story.checks.equal('the engine has the account, to the cent', seen, `active ${initialBalance}`)
  say(`${summary.balance} ${summary.currency}`)
}

type Made = Answered<{ created: boolean }, unknown>

/** Not created a second time, and known by the same id. */
function checkSame({ checks }: Story, name: string, answer: Made, [seen, first]: [unknown, unknown]): void {
  const same = seen !== undefined && seen === first ? 'same id' : 'another id'
  checks.equal(name, `${statusOf(answer)} created ${answer.data?.created}, ${same}`, '200 created false, same id')
}

/** Created, and the answer says so; where the first answer got lost, the second one says that it exists. */
function checkCreated({ checks }: Story, name: string, answer: Made): void {
  const seen = `${statusOf(answer)} created ${answer.data?.created}`
  const ok = seen === '201 created true' || (triesOf(answer.response) > 1 && seen === '200 created false')
  checks.holds(name, ok, '201 created true', seen)
}
