import { runService } from '@orderplane/shared/service.ts';
import { orders } from './app.ts';

await runService(orders);
