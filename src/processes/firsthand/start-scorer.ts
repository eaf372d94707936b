/**
 * Puts together what the role `scorer` runs: the scorer and the sandbox workers, each with an inspector of its own. They are
 * loaded where that role is.
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Inspector } from '../../adapters/inspection/inspection.ts'
import type { ObjectStore } from '../../adapters/object-store/object-store.ts'
import { createVisionModel, type VisionModel } from '../../adapters/vision/model.ts'
import type { ContextParts, ProcessDeclaration, RunningProcess } from '../../context.ts'
import { countSetAside } from '../../projections/firsthand/claim.ts'
import type { GaugeSource } from '../../runtime/health.ts'
import { InvalidConfiguration } from '../../runtime/invalid-configuration.ts'
import { newProcessHealth, type ProcessDependencies } from '../process.ts'
import { openObjects } from './objects.ts'
import { SANDBOX_WORKERS, SCORING } from './process-names.ts'
import { type ScoringSettings, scoringSettings } from './scoring-settings.ts'
import { claimLimitsOf, firsthandSettings } from './settings.ts'

/** Throws InvalidConfiguration where a model has an address and no name. */
function modelOf(settings: ScoringSettings): VisionModel | undefined {
  const { VISION_URL: url, VISION_MODEL: model, VISION_KEY: key, VISION_TIMEOUT_MS: timeoutMs } = settings
  if (url === undefined) return undefined
  if (model === undefined)
    throw new InvalidConfiguration('VISION_URL is set without VISION_MODEL: name the model, or unset both.')
  return createVisionModel({ url, model, key, timeoutMs })
}

interface Tools {
  objects: ObjectStore
  inspector: Inspector
  directory: string
}

/** Runs a process with a folder and an inspector, which end with it. */
async function withTools(parts: ContextParts, name: string, run: (tools: Tools) => Promise<void>): Promise<void> {
  const settings = parts.settings(scoringSettings)
  const directory = join(parts.config.DATA_DIR, 'inspection', name)
  // What a killed process has left behind.
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  const limits = {
    timeMaxMs: settings.FIRSTHAND_INSPECTION_MAX_MS,
    memoryMaxBytes: settings.FIRSTHAND_INSPECTION_MEMORY_MAX_BYTES,
  }
  const { createInspector } = await import('../../adapters/inspection/inspector.ts')
  const inspector = createInspector({ directory, limits })
  try {
    await run({ objects: await openObjects(parts), inspector, directory })
  } finally {
    await inspector.close()
  }
}

type Run = (tools: Tools, dependencies: ProcessDependencies) => Promise<void>

function start(parts: ContextParts, name: string, run: Run): RunningProcess {
  const health = newProcessHealth()
  const dependencies = parts.dependenciesOf(name, health)
  const ended = withTools(parts, name, (tools) => run(tools, dependencies))
  return { ended, health }
}

function startScoring(parts: ContextParts): RunningProcess {
  const settings = parts.settings(scoringSettings)
  const model = modelOf(settings)
  const running = start(parts, SCORING, async (tools, dependencies) => {
    const { runScorer } = await import('./scorer.ts')
    await runScorer({
      ...dependencies,
      parts: {
        ...{ ...tools, bus: parts.bus, model, now: parts.clock.now },
        crashRetryMs: settings.FIRSTHAND_INSPECTION_RETRY_MS,
        modelRetryScheduleMs: settings.VISION_RETRY_SCHEDULE_MS,
        originalRetryScheduleMs: settings.FIRSTHAND_ORIGINAL_RETRY_SCHEDULE_MS,
      },
      limits: {
        concurrencyMax: settings.FIRSTHAND_SCORING_MAX,
        organizationConcurrencyMax: settings.FIRSTHAND_SCORING_PER_ORGANIZATION_MAX,
        batchMax: settings.FIRSTHAND_SCORING_BATCH_MAX,
        pollIntervalMs: settings.FIRSTHAND_SCORING_POLL_INTERVAL_MS,
      },
    })
  })
  const setAside: GaugeSource = {
    name: 'opslog_firsthand_scorings_set_aside',
    help: 'Submissions whose original is gone or damaged, until somebody has them tried again',
    read: () => countSetAside(parts.db),
  }
  return { ...running, gauges: [setAside] }
}

function startSandboxWorkers(parts: ContextParts): RunningProcess {
  const settings = parts.settings(scoringSettings)
  const limits = {
    completionMs: settings.FIRSTHAND_SANDBOX_COMPLETION_MS,
    pollIntervalMs: settings.FIRSTHAND_SANDBOX_POLL_INTERVAL_MS,
    batchMax: settings.FIRSTHAND_SANDBOX_BATCH_MAX,
    concurrencyMax: settings.FIRSTHAND_SANDBOX_CONCURRENCY_MAX,
    claims: claimLimitsOf(parts.settings(firsthandSettings)),
  }
  return start(parts, SANDBOX_WORKERS, async (tools, dependencies) => {
    const { runSandboxWorkers } = await import('./sandbox-workers.ts')
    await runSandboxWorkers({ ...dependencies, parts: { ...tools, bus: parts.bus, now: parts.clock.now, limits } })
  })
}

export const scorerProcesses: readonly ProcessDeclaration[] = [
  { leads: [SCORING], role: 'scorer', start: startScoring },
  { leads: [SANDBOX_WORKERS], role: 'scorer', start: startSandboxWorkers },
]
