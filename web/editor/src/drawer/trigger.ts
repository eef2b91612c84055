/** What the trigger says of who sends. */
import { isMapping, valueAt, type Model } from '../text/model'

/** The provider that the webhook verifies, or null. */
export function providerOf(model: Model): string | null {
  const verify = valueAt(model, 'trigger.webhook.verify')
  const name = typeof verify === 'string' ? verify : isMapping(verify) ? verify['provider'] : null
  return typeof name === 'string' && name !== 'none' && !name.includes('{{') ? name : null
}

/** The names of the secrets that prove who sends. */
export function secretsOf(model: Model): string[] {
  const found: string[] = []
  const look = (value: unknown, key: string): void => {
    if (typeof value === 'string' && /^secrets?$/.test(key)) found.push(value)
    else if (Array.isArray(value)) value.forEach((one) => look(one, key))
    else if (isMapping(value)) for (const [name, one] of Object.entries(value)) look(one, name)
  }
  look(valueAt(model, 'trigger.webhook.verify'), '')
  return [...new Set(found)]
}
