/** A person who signs in by mail, the account's figures, and a ledger that adds up. */
import { accepted } from '../../accepted.ts'
import { decimal } from '../../demo/checks.ts'
import { poll } from '../../demo/client.ts'
import { statusOf } from '../../demo/typed-client.ts'
import { lastMailTo } from '../mailbox.ts'
import { amountOf, pathOf, type RungateStory, type Say, sumOf } from './story.ts'

export async function signInByMail(story: RungateStory, say: Say): Promise<void> {
  const { visitor, baseUrl, checks, found, run, waits } = story
  const browser = visitor()
  const config = await accepted(browser.GET('/auth/config'))
  if (config.data?.devMode !== true) return say('mails leave by SMTP here; nobody can read them but their receiver')
  const email = `demo-${run}@example.com`
  checks.equal('a link is asked for', statusOf(await browser.POST('/auth/start', { body: { email } })), '200')
  const mail = await poll(
    () => lastMailTo(baseUrl(), email),
    (received) => received !== undefined,
    waits,
  )
  checks.holds('it is in the local mailbox', mail?.token != null, 'a mail with a link', mail?.subject ?? 'none')
  const shown = { body: { token: mail?.token ?? '' } }
  const verified = await browser.POST('/auth/verify', shown)
  checks.equal('the link signs in', `${statusOf(verified)} ${verified.data?.data?.isNewUser}`, '200 true')
  const again = await browser.POST('/auth/verify', shown)
  checks.equal('once', again.response.status, 401)
  const signedIn = visitor(verified.response.headers.getSetCookie()[0]?.split(';')[0])
  // An account has one owner: whoever claimed the one of an earlier run.
  if (found.isNew) {
    const body = { name: 'Demo', admin_token: found.account.adminToken }
    const claimed = await signedIn.POST('/auth/complete-registration', { body })
    const isClaimed = claimed.data?.data?.claimed
    checks.equal('its account is claimed by its token', `${statusOf(claimed)} ${isClaimed}`, '200 true')
  }
  const { account, scopes } = (await signedIn.GET('/auth/session')).data?.data ?? {}
  const expected = found.isNew ? 'active read write admin' : 'pending'
  checks.equal('the session may what its owner may', [account?.status, ...(scopes ?? [])].join(' '), expected)
  checks.equal('it ends by signing out', (await signedIn.POST('/auth/logout')).response.status, 204)
  say(email)
}

export async function readFigures({ admin, checks, found, waits }: RungateStory, say: Say): Promise<void> {
  const spent = [...found.runs.values()].reduce((sum, cost) => sum.plus(cost), decimal('0')).toFixed()
  const asked = { params: { query: { group_by: 'agent', agent_id: found.agentId } as const } }
  const figures = async () => (await accepted(admin.GET('/api/analytics/costs', asked))).data[0]
  const row = await poll(figures, (seen) => amountOf(seen?.total_cost_usd) === spent, waits)
  checks.equal('the figures name the agent', row?.group, found.agentId)
  checks.equal('and what all answers said that they cost', amountOf(row?.total_cost_usd), spent)
  const [errors] = (await accepted(admin.GET('/api/analytics/errors', asked))).data
  checks.equal('no call has failed', `${errors?.error_count} ${errors?.timeout_count}`, '0 0')
  say(`$${spent} in ${row?.request_count} calls`)
}

interface Summed {
  /** As the answers said. */
  told: string
  /** Of the run, of its ledger, and of its steps. */
  sums: string[]
  entries: number
}

async function sumUp({ admin }: RungateStory, runId: string, told: string): Promise<Summed> {
  const of = pathOf(runId)
  const all = { params: { ...of.params, query: { limit: 1_000 } } }
  const { data: run } = await accepted(admin.GET('/api/runs/{id}', of))
  const { data: entries } = await accepted(admin.GET('/api/runs/{id}/ledger', of))
  const { data: steps } = await accepted(admin.GET('/api/runs/{id}/steps', all))
  const costs = (rows: readonly { cost_usd?: number }[]) => sumOf(rows.map(({ cost_usd }) => cost_usd))
  return { told, sums: [amountOf(run.cost_usd), costs(entries), costs(steps)], entries: entries.length }
}

const differs = ({ told, sums }: Summed): boolean => sums.some((sum) => sum !== told)

export async function readLedger(story: RungateStory, say: Say): Promise<void> {
  const { checks, found, waits } = story
  const seen = await poll(
    () => Promise.all([...found.runs].map(([runId, told]) => sumUp(story, runId, told))),
    (runs) => !runs.some(differs),
    waits,
  )
  checks.equal('each run’s ledger, steps and cost are the same', JSON.stringify(seen.filter(differs)), '[]')
  const entries = seen.reduce((sum, each) => sum + each.entries, 0)
  say(`${seen.length} runs, ${entries} entries`)
}
