// What IAM would say to requests: read from stdin as a JSON array, answered in the same order.
import { runSimulation } from '@cloud-copilot/iam-simulate'

let text = ''
for await (const chunk of process.stdin) text += chunk

const answers = []
for (const { principal, account, action, resource, context, identity, resourcePolicy } of JSON.parse(text)) {
  const found = await runSimulation(
    {
      request: { principal, action, resource: { resource, accountId: account }, contextVariables: context },
      identityPolicies: [{ name: 'identity', policy: identity }],
      ...(resourcePolicy ? { resourcePolicy } : {}),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  )
  answers.push(found.resultType === 'error' ? JSON.stringify(found.errors) : `${found.resultType} ${found.overallResult}`)
}
process.stdout.write(JSON.stringify(answers))
