/** Plans of paid jobs: what they cost stands fast, all of their money is held or none, and they run once (K19). */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemContext } from '../../../src/commands/context.ts'
import { approvalPlan } from '../../../src/commands/killatamata/approval-plan.ts'
import { timelessIdOf } from '../../../src/commands/killatamata/ids.ts'
import { prefixedId } from '../../../src/runtime/ulid.ts'
import { eventually } from '../../projections/support.ts'
import { type Customer, type ServedKillatamata, startKillatamata } from './serving.ts'

const PICTURES = 'image: A lighthouse in fog\nimage: A harbour at dawn'
const PRICE = 40_000n

let served: ServedKillatamata
let late = 0

beforeAll(async () => {
  served = await startKillatamata({
    processes: ['killatamata-agent'],
    clock: () => new Date(Date.now() + late),
  })
})
afterAll(() => served.stop())

async function studioOf(name: string) {
  const customer = await served.customer(name)
  const { body } = await served.post('studio/projects', { title: 'Lighthouse' }, customer.key)
  return { customer, projectId: body.project.projectId as string }
}
type Studio = Awaited<ReturnType<typeof studioOf>>

const prepare = async ({ customer, projectId }: Studio, prompt = PICTURES) =>
  (await served.post('studio/agent/messages/prepare', { projectId, prompt }, customer.key)).body
const execute = ({ key }: Customer, approvalPlanId: string) =>
  served.post('studio/agent/approval-plans/execute', { approvalPlanId }, key)
const balanceOf = async ({ key }: Customer) => {
  const { body } = await served.get('balance', key)
  return [body.usdBalanceMicros, body.usdHeldMicros]
}
const approvals = async ({ key }: Customer) => (await served.get('studio/snapshot', key)).body.workspace.approvals

describe('a plan', () => {
  it('shows each job with its price, and nothing is held', async () => {
    const studio = await studioOf('ada')
    await served.credited(studio.customer, 1_000_000n)
    const { decision, approvalPlan: plan } = await prepare(studio)
    expect(decision).toBe('approval_required')
    expect(plan).toMatchObject({ status: 'pending', totalUsdMicros: 40_000, totalUsd: '0.040000' })
    expect(plan.jobs.map((job: Record<string, unknown>) => [job.task, job.estimatedUsdMicros])).toStrictEqual([
      ['image.generate', 20_000],
      ['image.generate', 20_000],
    ])
    expect(await approvals(studio.customer)).toStrictEqual([plan])
    expect(await balanceOf(studio.customer)).toStrictEqual([1_000_000, 0])
  })

  it('holds nothing where the balance is short by one micro-dollar, and runs once where 20 execute it at once', async () => {
    const studio = await studioOf('ben')
    const { customer } = studio
    await served.credited(customer, PRICE - 1n)
    const { approvalPlanId } = (await prepare(studio)).approvalPlan
    const short = await execute(customer, approvalPlanId)
    expect([short.status, short.body.code]).toStrictEqual([402, 'insufficient_balance'])
    expect(await balanceOf(customer)).toStrictEqual([39_999, 0])
    expect(await approvals(customer)).toHaveLength(1)
    await served.credited(customer, 1n)
    const second = await served.serveSecond()
    const body = { approvalPlanId }
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        served.ask(
          'POST',
          '/api/v1/studio/agent/approval-plans/execute',
          { key: customer.key, body },
          index % 2 === 0 ? served.url : second,
        ),
      ),
    )
    expect(new Set(answers.map(({ status }) => status))).toStrictEqual(new Set([202]))
    expect(new Set(answers.map(({ body: answered }) => JSON.stringify(answered))).size).toBe(1)
    expect(await balanceOf(customer)).toStrictEqual([0, 40_000])
    const [first] = answers
    expect(first?.body.jobs).toHaveLength(2)
    const { body: run } = await served.get(`studio/agent/requests?requestId=${first?.body.requestId}`, customer.key)
    expect(run).toMatchObject({ status: 'completed', assistantText: '2 jobs were submitted.' })
    const results = run.toolCalls.map(({ result }: { result: string }) => JSON.parse(result).usdChargedMicros)
    expect(results).toStrictEqual([20_000, 20_000])
    expect(await approvals(customer)).toStrictEqual([])
  })

  it('runs at the price that it has, whatever the prices are by then', async () => {
    const studio = await studioOf('cara')
    const { customer, projectId } = studio
    await served.credited(customer, 100_000n)
    const { approvalPlanId } = (await prepare(studio)).approvalPlan
    const known = await served.bus.current(approvalPlan, timelessIdOf(approvalPlanId))
    if (known.status === 'absent') throw new Error('there is no plan')
    const [job] = known.jobs
    if (!job) throw new Error('the plan has no job')
    const at = new Date().toISOString()
    const planId = prefixedId('plan', at, randomUUID())
    const then = { ...job, estimatedUsdMicros: '12345', stored: { ...job.stored, holdUsdMicros: '12345' } }
    const { agentModel, reasoningLevel, prompt } = known
    const expiresAt = new Date(Date.parse(at) + 60_000).toISOString()
    const plan = { projectId, threadId: null, prompt, agentModel, reasoningLevel, jobs: [then], expiresAt }
    const command = { kind: 'prepare' as const, accountId: customer.accountId, planId, plan, at }
    await served.bus.handle(approvalPlan, timelessIdOf(planId), command, systemContext('test', randomUUID(), at))
    const { body } = await execute(customer, planId)
    expect(body.jobs).toMatchObject([{ task: 'image.generate', usdChargedMicros: 12_345 }])
    expect(await balanceOf(customer)).toStrictEqual([87_655, 12_345])
  })

  it('of another account is not there, and one whose time is over is executed no more', async () => {
    const studio = await studioOf('dora')
    const other = await served.customer('eve')
    const { approvalPlanId } = (await prepare(studio)).approvalPlan
    expect(await execute(other, approvalPlanId)).toMatchObject({ status: 404 })
    late = 1_800_000
    const over = await execute(studio.customer, approvalPlanId)
    expect([over.status, over.body.code]).toStrictEqual([409, 'approval_plan_expired'])
    expect(await approvals(studio.customer)).toStrictEqual([])
    late = 0
  })
})

describe('a run that comes to a paid job', () => {
  it('stops there with a plan, and nothing is held before that is executed', async () => {
    const studio = await studioOf('finn')
    const { customer, projectId } = studio
    await served.credited(customer, 1_000_000n)
    const prompt = `note: Plan | Two pictures\n${PICTURES}`
    const { requestId } = (await served.post('studio/agent/messages', { projectId, prompt }, customer.key)).body
    const state = async () => (await served.get(`studio/agent/requests?requestId=${requestId}`, customer.key)).body
    await eventually(async () => expect((await state()).status).toBe('approval_required'))
    const { approvalPlanId, toolCalls } = await state()
    expect(toolCalls).toHaveLength(3)
    expect(await balanceOf(customer)).toStrictEqual([1_000_000, 0])
    const { status, body } = await execute(customer, approvalPlanId)
    expect([status, body.jobs.length]).toStrictEqual([202, 2])
    expect(await balanceOf(customer)).toStrictEqual([960_000, 40_000])
  })

  it('is told what is wrong with a job that cannot run, and plans nothing', async () => {
    const studio = await studioOf('gwen')
    expect(await prepare(studio, `speak: ${'long '.repeat(2)}`)).toMatchObject({ decision: 'approval_required' })
    expect(await prepare(studio, 'image:')).toMatchObject({ decision: 'execute_now' })
  })
})
