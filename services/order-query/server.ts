import { runService } from '@orderplane/shared/service.ts';
import { orderQuery } from './app.ts';

await runService(orderQuery);
