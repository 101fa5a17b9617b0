import { runService } from '@orderplane/shared/service.ts';
import { payments } from './app.ts';

await runService(payments);
