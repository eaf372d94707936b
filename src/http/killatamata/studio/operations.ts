/** The studio's operations, in the contract's order. */
import type { Operation } from '../../operation.ts'
import type { KillatamataParts } from '../access.ts'
import { getAgentRequest, preparePrompt, sendPrompt } from './agent.ts'
import { updateAssetMetadata, uploadAsset } from './assets.ts'
import { executeApprovalPlan } from './plans.ts'
import { createProject, listProjectAssets, updateProject } from './projects.ts'
import { updateSettings } from './settings.ts'
import { getSnapshot } from './snapshot.ts'
import { createStoryboard, exportStoryboard, getStoryboard, importStoryboard, updateStoryboard } from './storyboards.ts'
import { createText, getText, updateText } from './texts.ts'
import { createThread, getThread, selectThread, updateThread } from './threads.ts'

export const studioOperations: readonly Operation<KillatamataParts>[] = [
  ...[getSnapshot, listProjectAssets, createProject, updateProject, updateSettings],
  ...[createThread, selectThread, getThread, updateThread],
  ...[uploadAsset, updateAssetMetadata, createText, getText, updateText],
  ...[createStoryboard, getStoryboard, updateStoryboard, importStoryboard, exportStoryboard],
  ...[sendPrompt, preparePrompt, executeApprovalPlan, getAgentRequest],
]
